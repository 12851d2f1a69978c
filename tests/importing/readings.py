"""Files of other programs as they are read."""

from __future__ import annotations

from rigspec.importing.merge import merge
from rigspec.importing.model import Reading, SourceText, Subject
from rigspec.importing.registry import read_files


def read(name: str, text: str) -> Reading:
    (file,) = read_files([SourceText(name, text)])
    return file.reading


def packages(reading: Reading) -> dict[str, str]:
    """Return the packages of a reading as the spec has them."""
    return {
        s.name: f"+{s.build} {s.value}" if s.build else s.value
        for s in merge(reading.statements).packages.values()
    }


def values(reading: Reading, subject: Subject) -> list[str]:
    return [s.value for s in reading.statements if s.subject is subject]


def reasons(reading: Reading) -> dict[str, str]:
    return {omission.text: omission.reason for omission in reading.omissions}


def source_at(text: str, reading: Reading) -> list[str]:
    """Return the text at each statement's span."""
    lines = text.split("\n")
    return [
        lines[s.span.line - 1][s.span.column - 1 : s.span.end_column - 1]
        for s in reading.statements
    ]
