"""Every place of the language that takes a text, found by walking its own JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rigspec.spec.json_schema import render_json_schema

__all__ = ["Field", "text_fields"]


@dataclass(frozen=True, order=True)
class Field:
    """``path`` has ``*`` for any key and ``[]`` for any item; ``of_key`` is a key itself."""

    path: tuple[str, ...]
    of_key: bool

    def __str__(self) -> str:
        return ".".join(self.path) + (" (key)" if self.of_key else "")


def text_fields() -> tuple[Field, ...]:
    """All of them, sorted."""
    schema = json.loads(render_json_schema())
    return tuple(sorted(set(_walked(schema, schema, ()))))


def _walked(
    schema: Mapping[str, Any], node: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[Field]:
    if "$ref" in node:
        node = schema["$defs"][node["$ref"].rpartition("/")[2]]
    for branches in ("anyOf", "oneOf", "allOf"):
        for branch in node.get(branches, ()):
            yield from _walked(schema, branch, path)
    if node.get("type") == "string":
        yield Field(path, of_key=False)
    for key, below in node.get("properties", {}).items():
        yield from _walked(schema, below, (*path, key))
    free = [*node.get("patternProperties", {}).values()]
    if isinstance(node.get("additionalProperties"), dict):
        free.append(node["additionalProperties"])
    for below in free:
        yield Field((*path, "*"), of_key=True)
        yield from _walked(schema, below, (*path, "*"))
    if "items" in node:
        yield from _walked(schema, node["items"], (*path, "[]"))
