"""The language as JSON Schema."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from rigspec.spec.models.rig import Rig
from rigspec.spec.toml.document import KeyPath

__all__ = ["json_schema", "known_keys"]


def json_schema() -> str:
    """The JSON Schema (draft 2020-12) of a rig file, always the same text."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_schema(),
        "title": "A rigspec rig",
    }
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False)


def known_keys(path: KeyPath) -> list[str]:
    """The keys that the table at a path may have; empty where any key is allowed."""
    tables = [_schema()]
    for part in path:
        tables = [below for table in tables for below in _below(table, part)]
    return sorted({key for table in tables for key in table.get("properties", {})})


@lru_cache(maxsize=1)
def _schema() -> dict[str, Any]:
    return Rig.model_json_schema(by_alias=True, mode="validation")


def _below(table: dict[str, Any], part: str | int) -> list[dict[str, Any]]:
    if isinstance(part, int):
        found = table.get("items")
    else:
        found = table.get("properties", {}).get(part, table.get("additionalProperties"))
        if found is None:
            found = next(iter(table.get("patternProperties", {}).values()), None)
    return _branches(found) if isinstance(found, dict) else []


def _branches(schema: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in schema:
        return _branches(_schema()["$defs"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return [branch for option in schema["anyOf"] for branch in _branches(option)]
    return [schema]
