"""JSON files with comments, as nodes with positions."""

from __future__ import annotations

import json
from collections.abc import Iterator

import tree_sitter
import tree_sitter_json

from rigspec.diagnostics.model import Span
from rigspec.importing.model import SourceText, UnreadableFile

__all__ = ["JsonFile", "read_json"]


class JsonFile:
    """The nodes of a file."""

    def __init__(self, source: SourceText, root: tree_sitter.Node | None) -> None:
        self._source = source
        self._data = source.text.encode()
        self.root = root

    def entries(self, node: tree_sitter.Node | None) -> Iterator[tuple[str, tree_sitter.Node]]:
        """Yield the keys and values of an object."""
        if node is None or node.type != "object":
            return
        for pair in node.named_children:
            key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
            name = self.text(key)
            if pair.type == "pair" and name is not None and value is not None:
                yield name, value

    def get(self, node: tree_sitter.Node | None, *path: str) -> tree_sitter.Node | None:
        """Return the node at a path of keys."""
        for key in path:
            node = next((value for name, value in self.entries(node) if name == key), None)
        return node

    def items(self, node: tree_sitter.Node | None) -> list[tree_sitter.Node]:
        """Return the items of an array."""
        if node is None or node.type != "array":
            return []
        return [child for child in node.named_children if child.type != "comment"]

    def text(self, node: tree_sitter.Node | None) -> str | None:
        """Return the value of a string, or the text of a number."""
        if node is None or node.type not in ("string", "number"):
            return None
        raw = self._data[node.start_byte : node.end_byte].decode(errors="replace")
        try:
            value = json.loads(raw, strict=False)
        except ValueError:
            return None
        return value if isinstance(value, str) else raw

    def offset(self, node: tree_sitter.Node) -> int:
        """Return the offset of a node, in characters."""
        return len(self._data[: node.start_byte].decode(errors="replace"))

    def span(self, node: tree_sitter.Node) -> Span:
        """Return the span of a node."""
        start = self.offset(node)
        end = len(self._data[: node.end_byte].decode(errors="replace"))
        return self._source.span(start, end)


def read_json(source: SourceText) -> JsonFile:
    """Parse the file; comments and trailing commas are accepted.

    Raises:
        UnreadableFile: if the file is not an object.
    """
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_json.language()))
    document = parser.parse(source.text.encode()).root_node
    root = next((child for child in document.named_children if child.type == "object"), None)
    if root is None:
        raise UnreadableFile("expected a JSON object")
    return JsonFile(source, root)
