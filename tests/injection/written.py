"""A text put into a rig, and rigs written as TOML with the lines of their keys."""

from __future__ import annotations

import copy
import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.injection.fields import Field
from tests.injection.rigs import RIGS

__all__ = ["Written", "alone", "literal", "place", "with_text", "written"]

Path = tuple[Any, ...]


@dataclass(frozen=True)
class Written:
    """A rig as TOML, and the lines of its keys and values."""

    text: str
    lines: dict[Path, int]


def place(field: Field) -> tuple[str, Path]:
    """The name of a rig that uses the field, and the path in it. Raises LookupError."""
    for name, rig in RIGS.items():
        for path, value in _paths(rig):
            if _is_of(path, field) and (field.of_key or isinstance(value, str | dt.date)):
                return name, path
    raise LookupError(f"no rig here uses {field}")


def with_text(rig: dict[str, Any], path: Path, text: Any, *, of_key: bool) -> dict[str, Any]:
    """The rig with a text at a place: as the value, or as the key."""
    changed = copy.deepcopy(rig)
    container: Any = changed
    for part in path[:-1]:
        container = container[part]
    if not of_key:
        container[path[-1]] = text
        return changed
    renamed = {text if key == path[-1] else key: value for key, value in container.items()}
    container.clear()
    container.update(renamed)
    return changed


def written(rig: dict[str, Any]) -> Written:
    """A rig as TOML, each value on a line of its own."""
    lines: list[str] = []
    found: dict[Path, int] = {}
    _write_table(rig, (), lines, found)
    return Written("\n".join(lines) + "\n", found)


def alone(rig: dict[str, Any], path: Path) -> dict[str, Any]:
    """The rig with little more than the part where a path leads, which is read faster."""
    first = path[0]
    kept = {key: rig[key] for key in ("rig", "name", first)}
    if first in ("machine", "env"):
        # What another part of the machine or environment says does not matter.
        needed = {"os", "python", *path[2:3]}
        kept[first] = {
            name: {key: value for key, value in table.items() if key in needed}
            for name, table in rig[first].items()
        }
    elif first == "service":
        kept[first] = {path[1]: rig[first][path[1]]}
    if first in ("service", "user"):
        kept["env"] = {name: {"python": env["python"]} for name, env in rig.get("env", {}).items()}
    if first == "user":
        kept["system"] = {"groups": rig["system"]["groups"]}
    return kept


def literal(value: Any) -> str:
    """A TOML value on one line."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, dict):
        inner = ", ".join(f"{literal(key)} = {literal(below)}" for key, below in value.items())
        return f"{{ {inner} }}"
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _write_table(
    table: dict[str, Any], path: Path, lines: list[str], found: dict[Path, int]
) -> None:
    if path:
        lines.append(f"[{'.'.join(literal(part) for part in path)}]")
        found[path] = len(lines)
    for key, value in table.items():
        if not isinstance(value, dict):
            lines.append(f"{literal(key)} = {literal(value)}")
            for below, _ in ((), None), *_paths(value):
                found[(*path, key, *below)] = len(lines)
    for key, value in table.items():
        if isinstance(value, dict):
            _write_table(value, (*path, key), lines, found)


def _paths(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, below in pairs:
            yield (*path, key), below
            yield from _paths(below, (*path, key))


def _is_of(path: Path, field: Field) -> bool:
    if len(path) != len(field.path):
        return False
    return all(
        (part == "*" and isinstance(here, str))
        or (part == "[]" and isinstance(here, int))
        or part == here
        for part, here in zip(field.path, path, strict=True)
    )
