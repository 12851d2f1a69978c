"""Convert positions of rigspec to positions of the Language Server Protocol, and back.

rigspec counts lines and characters from 1. The protocol counts from 0, and its characters are
units of an encoding that client and server agree on.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from lsprotocol.types import Position, PositionEncodingKind, Range

from rigspec.diagnostics.model import Span

__all__ = ["TextPositions", "normalize_text"]

_UNIT_BYTES = {"utf-8": 1, "utf-16": 2, "utf-32": 4}
_CODECS = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}


def normalize_text(text: str) -> str:
    """Return the text of an editor with the line ends that the parsers count."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@dataclass(frozen=True)
class TextPositions:
    """The lines of a text, and the encoding of the client's positions."""

    text: str
    encoding: str = PositionEncodingKind.Utf16.value
    _starts: list[int] = field(init=False, repr=False, compare=False, default_factory=list)

    def __post_init__(self) -> None:
        self._starts.append(0)
        self._starts.extend(i + 1 for i, c in enumerate(self.text) if c == "\n")

    def to_range(self, span: Span) -> Range:
        """Return the range of a span."""
        start = self._offset(span.line, span.column)
        end = max(start, self._offset(span.end_line, span.end_column))
        return self.range_of(start, end)

    def range_of(self, start: int, end: int) -> Range:
        """Return the range between two offsets in characters."""
        return Range(self._position(start), self._position(end))

    def offset_of(self, position: Position) -> int:
        """Return the offset of a position, in characters."""
        number, character = int(position.line), int(position.character)
        if number >= len(self._starts):
            return len(self.text)
        start = self._starts[number]
        line = self._line(number)
        size = character * _UNIT_BYTES[self.encoding]
        before = line.encode(_CODECS[self.encoding])[:size]
        return start + len(before.decode(_CODECS[self.encoding], errors="ignore"))

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Return line and column of an offset, from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def _offset(self, line: int, column: int) -> int:
        if line > len(self._starts):
            return len(self.text)
        start = self._starts[line - 1]
        return min(start + column - 1, start + len(self._line(line - 1)))

    def _position(self, offset: int) -> Position:
        line, column = self.line_and_column(offset)
        before = self._line(line - 1)[: column - 1]
        units = len(before.encode(_CODECS[self.encoding])) // _UNIT_BYTES[self.encoding]
        return Position(line - 1, units)

    def _line(self, number: int) -> str:
        start = self._starts[number]
        end = self._starts[number + 1] - 1 if number + 1 < len(self._starts) else len(self.text)
        return self.text[start:end]
