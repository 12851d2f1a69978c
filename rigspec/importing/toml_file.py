"""TOML files of other programs, with the position of every value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rigspec.diagnostics.model import Span
from rigspec.importing.model import SourceText, UnreadableFile
from rigspec.spec.toml.document import BrokenDocument, Document, KeyPath, read_document

__all__ = ["TomlFile", "read_toml"]


@dataclass(frozen=True)
class TomlFile:
    """The values of a file; a value of another type than expected counts as absent."""

    document: Document

    def get(self, *path: str | int) -> Any:
        """Return the value at a path, or None."""
        value: Any = self.document.value
        for key in path:
            if isinstance(key, str) and isinstance(value, Mapping):
                value = value.get(key)
            elif isinstance(key, int) and isinstance(value, Sequence) and key < len(value):
                value = value[key]
            else:
                return None
        return value

    def table(self, *path: str | int) -> Mapping[str, Any]:
        """Return the table at a path, or an empty one."""
        value = self.get(*path)
        return value if isinstance(value, Mapping) else {}

    def items(self, *path: str | int) -> Sequence[Any]:
        """Return the array at a path, or an empty one."""
        value = self.get(*path)
        return value if isinstance(value, list) else []

    def strings(self, *path: str | int) -> Iterator[tuple[str, Span]]:
        """Yield the strings of an array with their spans, without the quotes."""
        for number, value in enumerate(self.items(*path)):
            if isinstance(value, str):
                yield value, self.span(*path, number)

    def text(self, *path: str | int) -> str | None:
        """Return the string at a path."""
        value = self.get(*path)
        return value if isinstance(value, str) else None

    def span(self, *path: str | int, of: str = "value") -> Span:
        """Return the span of a value."""
        keys: KeyPath = tuple(path)
        return self.document.span(keys, of=of)


def read_toml(source: SourceText) -> TomlFile:
    """Parse the file.

    Raises:
        UnreadableFile: at its first syntax error.
    """
    try:
        return TomlFile(read_document(source.file, source.text))
    except BrokenDocument as error:
        first = error.diagnostics[0]
        line = first.spans[0].line if first.spans else 1
        raise UnreadableFile(first.message, line) from None
