"""A TOML file as values with their positions.

tomli parses the values. The syntax tree of tree-sitter gives the positions, and continues after a
syntax error, so that all errors of a file are reported at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any

import tomli

from rigspec.diagnostics.model import Diagnostic, Severity, Span
from rigspec.frozen import dataclass
from rigspec.spec.toml.limits import find_excess
from rigspec.spec.toml.numbers import WrittenFloat
from rigspec.spec.toml.syntax_tree import Position, SyntaxReading, read_syntax

__all__ = ["BrokenDocument", "Document", "ExternalValue", "KeyPath", "read_document"]

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True)
class ExternalValue:
    """A value that the spec takes from another file.

    ``pattern`` is the text in that file, with ``{}`` for a version request.
    """

    text: str
    span: Span
    pattern: str = "{}"


@dataclass(frozen=True)
class Document:
    """The values of a file (``value``: nested TOML values) and their positions.

    ``external`` are values that the file takes from other files.
    """

    file: str
    text: str
    value: Mapping[str, Any]
    positions: Mapping[KeyPath, Position]
    external: Mapping[KeyPath, ExternalValue] = field(default_factory=dict)

    def span(self, path: KeyPath, *, of: str = "value", label: str = "") -> Span:
        """Return the span of a value, or of its key (``of="key"``).

        For a path that is not in the file, return the span of the nearest ancestor, or the first
        character of the file.
        """
        if path in self.external:
            return replace(self.external[path].span, label=label)
        while path and path not in self.positions:
            path, of = path[:-1], "key"
        position = self.positions.get(path)
        if position is None:
            return Span(self.file, 1, 1, 1, 2, label)
        start, end = position.key if of == "key" and position.key is not None else position.value
        return Span(self.file, *start, *end, label)

    def source(self, path: KeyPath) -> str | None:
        """Return the source text of a value, or None if the path is not in the file."""
        position = self.positions.get(path)
        if position is None:
            return None
        (line, column), (end_line, end_column) = position.value
        return self.text_at(Span(self.file, line, column, end_line, end_column))

    def text_at(self, span: Span) -> str:
        """Return the text of the file at a span."""
        lines = self.text.splitlines(keepends=True)[span.line - 1 : span.end_line]
        if not lines:
            return ""
        if len(lines) == 1:
            return lines[0][span.column - 1 : span.end_column - 1]
        return "".join(
            [lines[0][span.column - 1 :], *lines[1:-1], lines[-1][: span.end_column - 1]]
        )


class BrokenDocument(Exception):
    """The file is not valid TOML. ``document`` has the values that could be parsed."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...], document: Document) -> None:
        super().__init__(f"{len(diagnostics)} errors")
        self.diagnostics = diagnostics
        self.document = document


def read_document(file: str, text: str) -> Document:
    """Parse a TOML text; ``file`` is only used in diagnostics.

    Raises:
        BrokenDocument: with every syntax error of the text.

    """
    excess = find_excess(text)
    if excess is not None:
        start = (excess.line, excess.column)
        error = _build_syntax_error(file, excess.message, start, (start[0], start[1] + 1))
        raise BrokenDocument((error,), Document(file, text, {}, {}))
    reading = read_syntax(text)
    try:
        value = tomli.loads(text, parse_float=WrittenFloat)
    except tomli.TOMLDecodeError as error:
        document = Document(file, text, reading.value, reading.positions)
        raise BrokenDocument(_build_diagnostics(file, text, reading, error), document) from None
    return Document(file, text, value, reading.positions)


def _build_diagnostics(
    file: str, text: str, reading: SyntaxReading, error: tomli.TOMLDecodeError
) -> tuple[Diagnostic, ...]:
    diagnostics = [_build_duplicate(file, *duplicate) for duplicate in reading.duplicates]
    lines = {diagnostic.spans[0].line for diagnostic in diagnostics}
    if not diagnostics or reading.errors:
        # tomli stops at its first error, which may be a duplicate that is already reported.
        line, column = min(error.lineno, text.count("\n") + 1), error.colno
        if line not in lines:
            message = error.msg[:1].lower() + error.msg[1:]
            diagnostics.append(
                _build_syntax_error(file, message, (line, column), (line, column + 1))
            )
            lines.add(line)
    for start, end in reading.errors:
        if start[0] not in lines:
            lines.add(start[0])
            diagnostics.append(_build_syntax_error(file, "invalid TOML", start, end))
    return tuple(sorted(diagnostics, key=lambda d: (d.spans[0].line, d.spans[0].column)))


def _build_syntax_error(
    file: str, message: str, start: tuple[int, int], end: tuple[int, int]
) -> Diagnostic:
    if end[0] != start[0]:
        end = (start[0], start[1] + 1)
    return Diagnostic(
        code="RS001",
        severity=Severity.ERROR,
        message=message,
        spans=(Span(file, *start, *end),),
    )


def _build_duplicate(file: str, path: KeyPath, first: Position, second: Position) -> Diagnostic:
    name = ".".join(str(part) for part in path)
    spans = []
    for position, label in ((second, "duplicate"), (first, "first defined here")):
        start, end = position.key or position.value
        spans.append(Span(file, *start, *end, label))
    return Diagnostic(
        code="RS005",
        severity=Severity.ERROR,
        message=f"duplicate key `{name}`",
        spans=tuple(spans),
        help=("remove one of the two; TOML does not merge duplicates",),
    )
