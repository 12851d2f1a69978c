"""A TOML file as values that know where they stand.

tomli is the authority on what the file means; tree-sitter's syntax tree gives the places, and lets
a broken file be read on, so that every mistake in it is told at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tomli

from rigspec.diagnostics.model import Diagnostic, Severity, Span
from rigspec.spec.toml.syntax_tree import Place, SyntaxReading, read_syntax

__all__ = ["BrokenDocument", "Document", "KeyPath", "read_document"]

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """What a file says (``value``: nested plain TOML values) and where."""

    file: str
    text: str
    value: Mapping[str, Any]
    places: Mapping[KeyPath, Place]

    def span(self, path: KeyPath, *, of: str = "value", label: str = "") -> Span:
        """The place of a value, or of its key (``of="key"``).

        A path that does not stand in the file gets the place of its nearest ancestor that does,
        and the file's first character where none does.
        """
        while path and path not in self.places:
            path, of = path[:-1], "key"
        place = self.places.get(path)
        if place is None:
            return Span(self.file, 1, 1, 1, 2, label)
        start, end = place.key if of == "key" and place.key is not None else place.value
        return Span(self.file, *start, *end, label)

    def source(self, path: KeyPath) -> str | None:
        """The value as it was written, or None where the path does not stand in the file."""
        place = self.places.get(path)
        if place is None:
            return None
        (line, column), (end_line, end_column) = place.value
        return self.at(Span(self.file, line, column, end_line, end_column))

    def at(self, span: Span) -> str:
        """The text of the file that stands at a span."""
        lines = self.text.splitlines(keepends=True)[span.line - 1 : span.end_line]
        if not lines:
            return ""
        if len(lines) == 1:
            return lines[0][span.column - 1 : span.end_column - 1]
        return "".join(
            [lines[0][span.column - 1 :], *lines[1:-1], lines[-1][: span.end_column - 1]]
        )


class BrokenDocument(Exception):
    """The file is not TOML. ``document`` is what could be read of it nevertheless."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...], document: Document) -> None:
        super().__init__(f"{len(diagnostics)} errors")
        self.diagnostics = diagnostics
        self.document = document


def read_document(file: str, text: str) -> Document:
    """Read a TOML text; ``file`` is only named. Raises BrokenDocument with every mistake."""
    reading = read_syntax(text)
    try:
        value = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        document = Document(file, text, reading.value, reading.places)
        raise BrokenDocument(_mistakes(file, text, reading, error), document) from None
    return Document(file, text, value, reading.places)


def _mistakes(
    file: str, text: str, reading: SyntaxReading, error: tomli.TOMLDecodeError
) -> tuple[Diagnostic, ...]:
    found = [_duplicate(file, *duplicate) for duplicate in reading.duplicates]
    told = {diagnostic.spans[0].line for diagnostic in found}
    if not found or reading.errors:
        # tomli stops at its first mistake; a duplicate it stopped at is told already.
        line, column = min(error.lineno, text.count("\n") + 1), error.colno
        if line not in told:
            message = error.msg[:1].lower() + error.msg[1:]
            found.append(_syntax(file, message, (line, column), (line, column + 1)))
            told.add(line)
    for start, end in reading.errors:
        if start[0] not in told:
            told.add(start[0])
            found.append(_syntax(file, "this is not TOML", start, end))
    return tuple(sorted(found, key=lambda d: (d.spans[0].line, d.spans[0].column)))


def _syntax(file: str, message: str, start: tuple[int, int], end: tuple[int, int]) -> Diagnostic:
    if end[0] != start[0]:
        end = (start[0], start[1] + 1)
    return Diagnostic(
        code="RS001",
        severity=Severity.ERROR,
        message=message,
        spans=(Span(file, *start, *end),),
    )


def _duplicate(file: str, path: KeyPath, first: Place, again: Place) -> Diagnostic:
    name = ".".join(str(part) for part in path)
    spans = []
    for place, label in ((again, "written again"), (first, "first written here")):
        start, end = place.key or place.value
        spans.append(Span(file, *start, *end, label))
    return Diagnostic(
        code="RS005",
        severity=Severity.ERROR,
        message=f"`{name}` is written twice",
        spans=tuple(spans),
        help=("keep one of them; TOML does not merge",),
    )
