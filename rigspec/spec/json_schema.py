"""JSON Schema of the spec language."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rigspec.spec.models.rig import Rig
from rigspec.spec.toml.document import KeyPath
from rigspec.spec.validation.pydantic_models import build_json_schema

__all__ = [
    "CODES",
    "FRAMEWORKS",
    "KNOWN_NAMES",
    "SCHEMA_URL",
    "KeyDescription",
    "describe_key",
    "find_tables_with_key",
    "list_known_keys",
    "render_json_schema",
]

# The committed text of `rigspec schema`, which editors load.
SCHEMA_URL = (
    "https://raw.githubusercontent.com/rigspec/rigspec/main/docs/reference/rig-1.schema.json"
)
# Keys that take a name of a product of the matrix or another text, by the product.
KNOWN_NAMES = {
    "cpu": (("Cpu", "model"), ("Machine", "cpu")),
    "gpu": (("Gpu", "model"), ("Machine", "gpus", "items")),
    "installer": (("Interpreter", "installer"),),
    "instance": (("Machine", "instance"),),
    "os": (("Machine", "os"),),
    "psu": (("PowerSupply", "efficiency"),),
}
# The name under which the diagnostic codes are given.
CODES = "codes"
# The product under which the names of frameworks are given.
FRAMEWORKS = "frameworks"


_ANNOTATIONS = frozenset({"title", "description", "default", "examples"})


@dataclass(frozen=True)
class KeyDescription:
    """A key of the language: its description, its default and its fixed values, if any.

    ``is_table``: its value can be a table; ``is_only_table``: it can be nothing else.
    """

    description: str
    default: Any = None
    values: tuple[str | bool | int, ...] = ()
    is_table: bool = False
    is_only_table: bool = False


def render_json_schema(names: Mapping[str, Sequence[str]] | None = None) -> str:
    """Return the JSON Schema (draft 2020-12) of a rig file; the text is deterministic.

    It has the tables of the services of installed distributions.

    Args:
        names: known names, by the products of ``KNOWN_NAMES`` and ``FRAMEWORKS``, and ``CODES``.
            Editors complete them. The schema admits other names as well, because the language does;
            other codes it does not.
    """
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_URL,
        **_add_names(deepcopy(_load_full_schema()), names or {}),
        "title": "A rigspec rig",
    }
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False)


def _add_names(schema: dict[str, Any], names: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    for product, places in KNOWN_NAMES.items():
        for definition, key, *rest in places if product in names else ():
            found = schema["$defs"][definition]["properties"][key]
            for part in rest:
                found = found[part]
            options = found.get("anyOf")
            if options is None:
                # The limits of the text move into the second option.
                limits = {k: found.pop(k) for k in tuple(found) if k not in _ANNOTATIONS}
                options = found["anyOf"] = [limits]
            options.insert(0, {"enum": list(names[product])})
    if CODES in names:
        schema["$defs"]["CheckSettings"]["properties"]["ignore"]["items"] = {
            "enum": list(names[CODES])
        }
    table = schema["$defs"]["Environment"]["properties"]["frameworks"]
    if FRAMEWORKS in names:
        (value,) = table["patternProperties"].values()
        table["properties"] = {name: {**value, "title": name} for name in names[FRAMEWORKS]}
    return schema


def list_known_keys(path: KeyPath) -> list[str]:
    """Return the known keys of the table at a path; empty if every key is allowed."""
    tables = [_load_schema()]
    for part in path:
        tables = [child for table in tables for child in _get_children(table, part)]
    return sorted({key for table in tables for key in table.get("properties", {})})


def find_tables_with_key(key: str) -> tuple[str, ...]:
    """Return the tables of the language that have a key, such as ``env.NAME``, outer ones first."""
    return _list_tables_by_key().get(key, ())


@lru_cache(maxsize=1)
def _list_tables_by_key() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    tables = [("", table) for table in _expand_union(_load_schema())]
    while tables:
        below = []
        for path, table in tables:
            for key, child in table.get("properties", {}).items():
                if path and path not in found.get(key, ()):
                    found[key] = (*found.get(key, ()), path)
                name = f"{path}.{key}" if path else key
                below += [(name, option) for option in _expand_union(child)]
            for child in table.get("patternProperties", {}).values():
                below += [(f"{path}.NAME", option) for option in _expand_union(child)]
        tables = below
    return found


def describe_key(path: KeyPath) -> KeyDescription | None:
    """Return the description of the key at a path; None if the language does not have it."""
    tables = [_load_schema()]
    for part in path[:-1]:
        tables = [child for table in tables for child in _get_children(table, part)]
    for table in tables:
        options = _get_children(table, path[-1])
        if not options:
            continue
        schema = table.get("properties", {}).get(path[-1]) or options[0]
        types = {option.get("type") for option in options} - {"null"}
        return KeyDescription(
            schema.get("description", ""),
            schema.get("default"),
            tuple(value for option in options for value in _list_values(option)),
            "object" in types,
            types == {"object"},
        )
    return None


def _list_values(schema: dict[str, Any]) -> list[str | bool | int]:
    if schema.get("type") == "boolean":
        return [True, False]
    if "const" in schema:
        return [schema["const"]]
    return list(schema.get("enum", ()))


@lru_cache(maxsize=1)
def _load_schema() -> dict[str, Any]:
    return build_json_schema(Rig)


def _load_full_schema() -> dict[str, Any]:
    """Return the schema with the tables of installed services."""
    from rigspec.spec.other_services import extend_rig, list_installed_services

    model, _ = extend_rig(list_installed_services())
    return _load_schema() if model is Rig else build_json_schema(model)


def _get_children(table: dict[str, Any], part: str | int) -> list[dict[str, Any]]:
    if isinstance(part, int):
        child = table.get("items")
    else:
        child = table.get("properties", {}).get(part, table.get("additionalProperties"))
        if child is None:
            child = next(iter(table.get("patternProperties", {}).values()), None)
    return _expand_union(child) if isinstance(child, dict) else []


def _expand_union(schema: dict[str, Any]) -> list[dict[str, Any]]:
    if "$ref" in schema:
        return _expand_union(_load_schema()["$defs"][schema["$ref"].rpartition("/")[2]])
    if "anyOf" in schema:
        return [branch for option in schema["anyOf"] for branch in _expand_union(option)]
    return [schema]
