"""The output of ``conda list`` and ``conda list --export``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rigspec.importing.conda_spec import read_locked_package
from rigspec.importing.model import Reading, SourceText, Statement, Subject, join_readings

__all__ = ["read"]

# name  version  build  [channel]; `--export` writes name=version=build.
_ROW = re.compile(
    r"^(?P<name>[A-Za-z0-9_][\w.-]*)(?:[ \t]+|=)(?P<version>\d[^\s=]*)"
    r"(?:(?:[ \t]+|=)(?P<build>\S+)(?:[ \t]+(?P<channel>\S+))?)?[ \t]*$",
    re.MULTILINE,
)
_FROM_PIP = "pypi"


def read(source: SourceText) -> Reading:
    """Read the installed packages."""
    return join_readings(_rows(source))


def _rows(source: SourceText) -> Iterator[Reading]:
    is_first = True
    for match in _ROW.finditer(source.text):
        span = source.span(*match.span("version"))
        name, version = match["name"], match["version"]
        if is_first:
            is_first = False
            start = match.start()
            yield Reading((Statement(Subject.MANAGER, "conda", source.span(start, start + 1)),))
        if _FROM_PIP in (match["channel"], match["build"]) or (match["build"] or "").startswith(
            "pypi_"
        ):
            yield Reading((Statement(Subject.PACKAGE, f"=={version}", span, name=name),))
        else:
            yield read_locked_package(name, version, span)
