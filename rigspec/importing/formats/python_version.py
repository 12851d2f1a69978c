"""``.python-version`` of uv and pyenv: the Python of a project."""

from __future__ import annotations

import re

from rigspec.importing.model import Reading, SkippedPart, SourceText, Statement, Subject

__all__ = ["read"]

# A line without the white space before it and its comment.
_LINE = re.compile(r"^[ \t]*([^\s#][^\n#]*)", re.MULTILINE)
_VERSION = re.compile(r"(?:cpython[-@]?|python-?)?(?P<series>\d+\.\d+)(?:\.\d+)?(?:-[\w-]+)?")


def read(source: SourceText) -> Reading:
    """Read the first version, which uv and pyenv use; others are omissions."""
    statements: list[Statement] = []
    omissions: list[SkippedPart] = []
    for match in _LINE.finditer(source.text):
        text = match[1].rstrip()
        found = _VERSION.fullmatch(text)
        span = source.span(match.start(1), match.start(1) + len(text))
        if found is None:
            reason = "not a version of CPython"
            omissions.append(source.omission(text, reason, span.line))
        elif statements:
            omissions.append(source.omission(text, "only the first version", span.line))
        else:
            statements.append(Statement(Subject.PYTHON, f"=={found['series']}.*", span))
    return Reading(tuple(statements), tuple(omissions))
