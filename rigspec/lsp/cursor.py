"""The place of the cursor in a spec: the key or value that is being written.

A text that is being written is rarely valid TOML, so this reads tokens up to the cursor instead of
values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from rigspec.spec.toml.document import KeyPath

__all__ = ["Cursor", "CursorKind", "find_cursor"]

_TOKEN = re.compile(
    r'(?P<long>"""(?:[^\\]|\\.)*?(?:"""|\Z)|\'\'\'.*?(?:\'\'\'|\Z))'
    r'|(?P<string>"(?:[^"\\\n]|\\.)*(?P<end>"?)|\'[^\'\n]*(?P<end2>\'?))'
    r"|(?P<comment>#[^\n]*)|(?P<newline>\n)|(?P<space>[ \t\r]+)"
    r"|(?P<mark>\[\[|\]\]|[\[\]{}=,.])|(?P<word>[^\s\[\]{}=,.#\"']+)",
    re.DOTALL,
)


class CursorKind(str, Enum):
    """The part of the language at the cursor."""

    HEADER = "header"
    KEY = "key"
    VALUE = "value"


@dataclass(frozen=True)
class Cursor:
    """The place of the cursor.

    Attributes:
        kind: the part of the language.
        path: the table of a key or header, or the path of a value.
        prefix: the text between ``start`` and the cursor, without a quote.
        start: the offset of the text that a completion replaces.
        quote: the quote that is open, or an empty string.
    """

    kind: CursorKind
    path: KeyPath
    prefix: str
    start: int
    quote: str = ""


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int
    is_open: bool


@dataclass
class _Frame:
    """A table or an array around the cursor. ``names`` is the key that is being written."""

    path: KeyPath
    index: int | None = None
    names: list[str] = field(default_factory=list)
    has_value: bool = False

    def path_of_value(self) -> KeyPath:
        return (*self.path, self.index) if self.index is not None else (*self.path, *self.names)

    def end_entry(self) -> None:
        self.names, self.has_value = [], False
        if self.index is not None:
            self.index += 1


def find_cursor(text: str, offset: int) -> Cursor | None:
    """Return the place of an offset; None in a comment or where nothing can be written."""
    reader = _Reader()
    for token in _iterate_tokens(text[:offset]):
        if token.kind in ("comment", "long") and token.end == offset and token.kind == "comment":
            return None
        if token.end == offset and (token.kind == "word" or (token.is_open)):
            return reader.place(token.text.lstrip("\"'"), token)
        if token.kind == "long" and token.end == offset and not token.text.endswith(("'''", '"""')):
            return None
        reader.read(token)
    return reader.place("", _Token("", "", offset, offset, False))


def _iterate_tokens(text: str) -> Iterator[_Token]:
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if match["string"] is not None:
            is_open = not (match["end"] or match["end2"])
            yield _Token("string", match["string"], match.start(), match.end(), is_open)
        elif match["long"] is not None:
            yield _Token("long", match["long"], match.start(), match.end(), False)
        else:
            yield _Token(kind, match[0], match.start(), match.end(), False)


class _Reader:
    def __init__(self) -> None:
        self._stack = [_Frame(())]
        self._header: list[str] | None = None
        self._is_line_start = True

    def read(self, token: _Token) -> None:
        """Read a token that is completely before the cursor."""
        if token.kind in ("space", "comment"):
            return
        if token.kind == "newline":
            self._end_line()
        elif self._header is not None:
            if token.kind in ("word", "string"):
                self._header.append(token.text.strip("\"'"))
            elif token.text in ("]", "]]"):
                self._open_table(token.text == "]]")
        elif self._is_line_start and len(self._stack) == 1 and token.text in ("[", "[["):
            self._header = []
        elif token.kind == "mark":
            self._read_mark(token.text)
        elif not self._stack[-1].has_value and self._stack[-1].index is None:
            self._stack[-1].names.append(token.text.strip("\"'"))
        self._is_line_start = self._is_line_start and token.kind == "newline"

    def place(self, prefix: str, token: _Token) -> Cursor | None:
        """Return the place of a token that ends at the cursor."""
        quote = token.text[:1] if token.kind == "string" else ""
        start = token.start + len(quote)
        if self._header is not None:
            return Cursor(CursorKind.HEADER, tuple(self._header), prefix, start, quote)
        frame = self._stack[-1]
        if frame.index is not None or frame.has_value:
            return Cursor(CursorKind.VALUE, frame.path_of_value(), prefix, start, quote)
        return Cursor(CursorKind.KEY, frame.path_of_value(), prefix, start, quote)

    def _end_line(self) -> None:
        self._is_line_start = True
        self._header = None
        if len(self._stack) == 1:
            self._stack[0].end_entry()

    def _open_table(self, is_array: bool) -> None:
        names: KeyPath = tuple(self._header or ())
        self._stack = [_Frame((*names, 0) if is_array else names)]
        self._header = None

    def _read_mark(self, mark: str) -> None:
        frame = self._stack[-1]
        if mark == "=":
            frame.has_value = True
        elif mark == "," and len(self._stack) > 1:
            frame.end_entry()
        elif mark == "{":
            self._stack.append(_Frame(frame.path_of_value()))
        elif mark in ("[", "[["):
            for _ in mark:
                self._stack.append(_Frame(self._stack[-1].path_of_value(), 0))
        elif mark in ("}", "]", "]]"):
            for _ in mark:
                if len(self._stack) > 1:
                    self._stack.pop()
