"""The syntax tree of a TOML text: places of keys and values, duplicates, broken spots."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import tomli
import tree_sitter_toml
from tree_sitter import Language, Node, Parser

__all__ = ["Place", "Point", "SyntaxReading", "read_syntax"]

Point = tuple[int, int]  # line and column, from 1, in characters
Range = tuple[Point, Point]  # the end is exclusive
KeyPath = tuple[str | int, ...]

_KEYS = frozenset({"bare_key", "quoted_key", "dotted_key"})


@dataclass(frozen=True)
class Place:
    """Where a value stands, and its key if it has one."""

    value: Range
    key: Range | None = None


@dataclass
class SyntaxReading:
    """What the tree gave: as much of the values as could be read, and where everything stands."""

    value: dict[str, Any] = field(default_factory=dict)
    places: dict[KeyPath, Place] = field(default_factory=dict)
    duplicates: list[tuple[KeyPath, Place, Place]] = field(default_factory=list)
    errors: list[Range] = field(default_factory=list)


def read_syntax(text: str) -> SyntaxReading:
    """Read as much of the text as can be read; never raises for what the text says."""
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
        names = self._names(key)
        place = Place(self._range(key), self._range(key))
        path, table = self._enter(names, place, array=node.type == "table_array_element")
        for child in node.named_children:
            if child.type == "pair":
                self.read_pair(child, path, table)

    def _enter(
        self, names: list[str], place: Place, *, array: bool
    ) -> tuple[KeyPath, dict[str, Any]]:
        """The table a header opens; one that stands in the way is told and replaced."""
        path, table = self._descend((), self.reading.value, names[:-1], place)
        path, name = (*path, names[-1]), names[-1]
        held = table.get(name)
        if array:
            entries = held if isinstance(held, list) else table.setdefault(name, [])
            if not isinstance(entries, list):
                entries = table[name] = []
            entries.append({})
            self.reading.places.setdefault(path, place)
            path = (*path, len(entries) - 1)
            self.reading.places[path] = place
            return path, entries[-1]
        if (held is not None and not isinstance(held, dict)) or path in self._headers:
            self.reading.duplicates.append((path, self.reading.places[path], place))
        self._headers.add(path)
        self.reading.places.setdefault(path, place)
        if not isinstance(held, dict):
            held = table[name] = {}
        return path, held

    def _descend(
        self, path: KeyPath, table: dict[str, Any], names: list[str], place: Place
    ) -> tuple[KeyPath, dict[str, Any]]:
        for name in names:
            path = (*path, name)
            held = table.setdefault(name, {})
            self.reading.places.setdefault(path, place)
            if isinstance(held, list) and held and isinstance(held[-1], dict):
                path, held = (*path, len(held) - 1), held[-1]
            elif not isinstance(held, dict):
                self.reading.duplicates.append((path, self.reading.places[path], place))
                held = table[name] = {}
            table = held
        return path, table

    # --- pairs and values --------------------------------------------------------------------

    def read_pair(self, node: Node, prefix: KeyPath, table: dict[str, Any]) -> None:
        children = node.named_children
        if len(children) < 2 or children[0].type not in _KEYS:
            return
        key, value = children[0], children[1]
        names = self._names(key)
        key_range = self._range(key)
        place = Place(self._range(value), key_range)
        path, table = self._descend(prefix, table, names[:-1], Place(key_range, key_range))
        path = (*path, names[-1])
        if names[-1] in table:
            self.reading.duplicates.append((path, self.reading.places[path], place))
            return
        self.reading.places[path] = place
        table[names[-1]] = self._value(value, path)

    def _value(self, node: Node, path: KeyPath) -> Any:
        if node.type == "inline_table":
            table: dict[str, Any] = {}
            for child in node.named_children:
                if child.type == "pair":
                    self.read_pair(child, path, table)
            return table
        if node.type == "array":
            items = [c for c in node.named_children if c.type not in ("comment", "ERROR")]
            for index, item in enumerate(items):
                self.reading.places[(*path, index)] = Place(self._range(item))
            return [self._value(item, (*path, index)) for index, item in enumerate(items)]
        return self._scalar(node)

    def _scalar(self, node: Node) -> Any:
        # Only a file that tomli refuses needs these values; each is given to tomli alone.
        text = (node.text or b"").decode()
        try:
            return tomli.loads(f"x = {text}")["x"]
        except tomli.TOMLDecodeError:
            return text

    # --- keys and places ---------------------------------------------------------------------

    def _names(self, node: Node) -> list[str]:
        if node.type == "dotted_key":
            return [name for c in node.named_children if c.type in _KEYS for name in self._names(c)]
        text = (node.text or b"").decode()
        return [str(self._scalar(node))] if node.type == "quoted_key" else [text]

    def _range(self, node: Node) -> Range:
        return self._point(node.start_point), self._point(node.end_point)

    def _point(self, point: Any) -> Point:
        row, offset = point
        before = self._lines[row][:offset]
        column = offset if before.isascii() else len(before.decode(errors="replace"))
        return row + 1, column + 1

    def find_errors(self, node: Node) -> None:
        """Collect the broken spots, outermost first."""
        if node.is_error or node.is_missing:
            self.reading.errors.append(self._range(node))
            return
        for child in node.children:
            if child.has_error or child.is_missing:
                self.find_errors(child)
