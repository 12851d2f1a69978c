"""Read the syntax tree of a TOML text: positions of keys and values, duplicates, errors."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import tomli
import tree_sitter_toml
from tree_sitter import Language, Node, Parser

__all__ = ["Point", "Position", "SyntaxReading", "read_syntax"]

Point = tuple[int, int]  # line and column, from 1, in characters
Range = tuple[Point, Point]  # the end is exclusive
KeyPath = tuple[str | int, ...]

_MAX_PATH = 200  # the limits of a text allow fewer names and indices
_KEYS = frozenset({"bare_key", "quoted_key", "dotted_key"})
# Their values cannot be changed, so equal texts share them.
_SCALARS = frozenset({"boolean", "float", "integer", "quoted_key", "string"})
_CACHED_LENGTH = 100


@dataclass(frozen=True)
class Position:
    """The position of a value, and of its key if it has one."""

    value: Range
    key: Range | None = None


@dataclass
class SyntaxReading:
    """The values that could be parsed, with positions, duplicates and syntax errors."""

    value: dict[str, Any] = field(default_factory=dict)
    positions: dict[KeyPath, Position] = field(default_factory=dict)
    duplicates: list[tuple[KeyPath, Position, Position]] = field(default_factory=list)
    errors: list[Range] = field(default_factory=list)


def read_syntax(text: str) -> SyntaxReading:
    """Parse as much of the text as possible; never raise because of its content."""
    data = text.encode()
    tree = Parser(Language(tree_sitter_toml.language())).parse(data)
    reader = _Reader(data)
    for node in tree.root_node.named_children:
        if node.type == "pair":
            reader.read_pair(node, (), reader.reading.value)
        elif node.type in ("table", "table_array_element"):
            reader.read_table(node)
    if tree.root_node.has_error:
        reader.find_errors(tree.root_node)
    return reader.reading


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.reading = SyntaxReading()
        self._lines = data.split(b"\n")
        self._headers: set[KeyPath] = set()

    # --- tables ------------------------------------------------------------------------------

    def read_table(self, node: Node) -> None:
        key = next((child for child in node.named_children if child.type in _KEYS), None)
        if key is None:
            return
        names = self._read_names(key)
        position = Position(self._range(key), self._range(key))
        path, table = self._open_table(names, position, array=node.type == "table_array_element")
        for child in node.named_children:
            if child.type == "pair":
                self.read_pair(child, path, table)

    def _open_table(
        self, names: list[str], position: Position, *, array: bool
    ) -> tuple[KeyPath, dict[str, Any]]:
        """Return the table of a header; a value with the same name is a duplicate and replaced."""
        path, table = self._descend((), self.reading.value, names[:-1], position)
        path, name = (*path, names[-1]), names[-1]
        existing = table.get(name)
        if array:
            entries = existing if isinstance(existing, list) else table.setdefault(name, [])
            if not isinstance(entries, list):
                entries = table[name] = []
            entries.append({})
            self.reading.positions.setdefault(path, position)
            path = (*path, len(entries) - 1)
            self.reading.positions[path] = position
            return path, entries[-1]
        if (existing is not None and not isinstance(existing, dict)) or path in self._headers:
            self.reading.duplicates.append((path, self.reading.positions[path], position))
        self._headers.add(path)
        self.reading.positions.setdefault(path, position)
        if not isinstance(existing, dict):
            existing = table[name] = {}
        return path, existing

    def _descend(
        self, path: KeyPath, table: dict[str, Any], names: list[str], position: Position
    ) -> tuple[KeyPath, dict[str, Any]]:
        for name in names:
            path = (*path, name)
            child = table.setdefault(name, {})
            self.reading.positions.setdefault(path, position)
            if isinstance(child, list) and child and isinstance(child[-1], dict):
                path, child = (*path, len(child) - 1), child[-1]
            elif not isinstance(child, dict):
                self.reading.duplicates.append((path, self.reading.positions[path], position))
                child = table[name] = {}
            table = child
        return path, table

    # --- pairs and values --------------------------------------------------------------------

    def read_pair(self, node: Node, prefix: KeyPath, table: dict[str, Any]) -> None:
        children = node.named_children
        if len(children) < 2 or children[0].type not in _KEYS:
            return
        key, value = children[0], children[1]
        names = self._read_names(key)
        key_range = self._range(key)
        position = Position(self._range(value), key_range)
        path, table = self._descend(prefix, table, names[:-1], Position(key_range, key_range))
        path = (*path, names[-1])
        if names[-1] in table:
            self.reading.duplicates.append((path, self.reading.positions[path], position))
            return
        self.reading.positions[path] = position
        table[names[-1]] = self._read_value(value, path)

    def _read_value(self, node: Node, path: KeyPath) -> Any:
        if len(path) > _MAX_PATH:
            return None  # after a string without an end, where no limit was checked
        if node.type == "inline_table":
            table: dict[str, Any] = {}
            for child in node.named_children:
                if child.type == "pair":
                    self.read_pair(child, path, table)
            return table
        if node.type == "array":
            items = [c for c in node.named_children if c.type not in ("comment", "ERROR")]
            for index, item in enumerate(items):
                self.reading.positions[(*path, index)] = Position(self._range(item))
            return [self._read_value(item, (*path, index)) for index, item in enumerate(items)]
        return self._read_scalar(node)

    def _read_scalar(self, node: Node) -> Any:
        # These values are used only if tomli rejects the file; tomli parses each one alone.
        text = (node.text or b"").decode()
        cached = node.type in _SCALARS and len(text) <= _CACHED_LENGTH
        return (_parse_cached_scalar if cached else _parse_scalar)(text)

    # --- keys and positions ------------------------------------------------------------------

    def _read_names(self, node: Node) -> list[str]:
        names = []
        waiting = [node]  # no recursion: a dotted key is nested as deeply as it has parts
        while waiting:
            node = waiting.pop()
            if node.type == "dotted_key":
                waiting += [child for child in reversed(node.named_children) if child.type in _KEYS]
            elif node.type == "quoted_key":
                names.append(str(self._read_scalar(node)))
            else:
                names.append((node.text or b"").decode())
        return names

    def _range(self, node: Node) -> Range:
        return self._point(node.start_point), self._point(node.end_point)

    def _point(self, point: Any) -> Point:
        row, offset = point
        before = self._lines[row][:offset]
        column = offset if before.isascii() else len(before.decode(errors="replace"))
        return row + 1, column + 1

    def find_errors(self, node: Node) -> None:
        """Collect the syntax errors in the order of the text, without those inside another."""
        waiting = [node]
        while waiting:
            node = waiting.pop()
            if node.is_error or node.is_missing:
                self.reading.errors.append(self._range(node))
            else:
                children = [c for c in node.children if c.has_error or c.is_missing]
                waiting += reversed(children)


def _parse_scalar(text: str) -> Any:
    try:
        return tomli.loads(f"x = {text}")["x"]
    except tomli.TOMLDecodeError:
        return text


_parse_cached_scalar = lru_cache(maxsize=4096)(_parse_scalar)
