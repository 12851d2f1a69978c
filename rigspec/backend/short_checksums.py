"""Shorten the checksums of a lock's files for user-data; the first boot completes them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from rigspec.backend.quoting import sha256
from rigspec.plan.model import PayloadFile
from rigspec.plan.paths import APT_SOURCE_LINE
from rigspec.plan.steps import ChecksumIndex, Step

__all__ = ["Completions", "remove_program_comments", "shorten_checksums"]

# A comment on its line, except the first one of a script; and the docstring of a module.
_COMMENT = re.compile(r"(?m)^[ \t]*#(?!!).*\n")
_DOCSTRING = re.compile(r'\A""".*?"""\n+', re.DOTALL)
# A new machine has no other source of a repository that this would find.
_UNUSED = frozenset({APT_SOURCE_LINE})

# ID of a step -> the calls that complete its files before it: a function and its arguments.
Completions = Mapping[str, tuple[tuple[str, ...], ...]]

# A version of a package is one file for apt and several on PyPI, so there a start remains.
_PATTERNS: Mapping[ChecksumIndex, tuple[re.Pattern[str], str]] = MappingProxyType(
    {
        ChecksumIndex.APT: (re.compile(r"(?m)^([^\s=]+=\S+) [0-9a-f]{64}$"), r"\1 ?"),
        ChecksumIndex.PYPI: (re.compile(r"(?m)(sha256:[0-9a-f]{8})[0-9a-f]{56}$"), r"\1"),
    }
)


def remove_program_comments(file: PayloadFile) -> PayloadFile:
    """Return a program of rigspec without comments, and any other file as it is."""
    if not file.name.endswith((".sh", ".py")):
        return file
    text = _COMMENT.sub("", file.content)
    return PayloadFile(file.name, _DOCSTRING.sub("", text) if file.name.endswith(".py") else text)


def shorten_checksums(
    steps: Iterable[Step], payload: Iterable[PayloadFile]
) -> tuple[tuple[PayloadFile, ...], Completions]:
    """Return the files with short checksums, and the calls that complete them to the byte."""
    full = {file.name: file.content for file in payload}
    short = dict(full)
    completions: dict[str, tuple[tuple[str, ...], ...]] = {}
    for step in steps:
        for name, index in step.indexed_files:
            pattern, replacement = _PATTERNS[index]
            short[name] = pattern.sub(replacement, full[name])
            if short[name] != full[name]:
                call = (f"complete_{index.value}", name, sha256(full[name]))
                completions[step.id] = (*completions.get(step.id, ()), call)
    files = (PayloadFile(name, text) for name, text in short.items() if name not in _UNUSED)
    return tuple(files), completions
