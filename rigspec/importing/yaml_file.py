"""YAML files of other programs, as nodes with positions."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from rigspec.diagnostics.model import Span
from rigspec.importing.model import SourceText, UnreadableFile

__all__ = ["YamlFile", "read_yaml"]


# The parser in C is ten times as fast; a lock of 500 packages has 500 kB.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


_MERGE = "<<"


class YamlFile:
    """The nodes of a file; tags are not followed."""

    def __init__(self, source: SourceText, root: yaml.Node | None) -> None:
        self._source = source
        self.root = root

    def get(self, node: yaml.Node | None, *path: str) -> yaml.Node | None:
        """Return the node at a path of keys."""
        for key in path:
            node = next((v for k, v in self.entries(node) if k == key), None)
        return node

    def entries(self, node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
        """Yield the keys and values of a mapping, then those that ``<<`` merges into it.

        A merge is followed one level down: no file of these formats has another.
        """
        own = list(_list_entries(node))
        seen = {key for key, _ in own}
        yield from ((key, value) for key, value in own if key != _MERGE)
        for merged in (value for key, value in own if key == _MERGE):
            for other in self.items(merged) or [merged]:
                for key, value in _list_entries(other):
                    if key not in seen:
                        seen.add(key)
                        yield key, value

    def items(self, node: yaml.Node | None) -> list[yaml.Node]:
        """Return the items of a sequence."""
        return list(node.value) if isinstance(node, yaml.SequenceNode) else []

    def text(self, node: yaml.Node | None) -> str | None:
        """Return the text of a scalar."""
        return str(node.value) if isinstance(node, yaml.ScalarNode) else None

    def span(self, node: yaml.Node) -> Span:
        """Return the span of a node."""
        return self._source.span(node.start_mark.index, node.end_mark.index)


def _list_entries(node: yaml.Node | None) -> Iterator[tuple[str, yaml.Node]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                yield key.value, value


def read_yaml(source: SourceText) -> YamlFile:
    """Parse the first document of the file.

    Raises:
        UnreadableFile: at its first syntax error.
    """
    try:
        root = next(iter(yaml.compose_all(source.text, Loader=_LOADER)), None)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "invalid YAML"
        raise UnreadableFile(str(problem), mark.line + 1 if mark is not None else 1) from None
    except RecursionError:
        raise UnreadableFile("too many levels of nesting") from None
    return YamlFile(source, root)
