"""Help for keys and values that the language does not have."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any

import tomli

from rigspec.frozen import dataclass
from rigspec.package_files import locate_package_file
from rigspec.spec.json_schema import describe_key, find_tables_with_key, list_known_keys
from rigspec.spec.toml.document import KeyPath

__all__ = ["advise_on_choice", "advise_on_extras", "advise_on_key", "advise_on_type"]

# Advice names at most so many tables.
_FEW = 3
# Keys whose table has a version for each name.
_REQUIREMENT_TABLES = ("frameworks", "packages")
_ANY = "*"
_NAME = "NAME"


@dataclass(frozen=True)
class _Row:
    """A row of ``key_advice.toml``, which explains the fields."""

    table: str
    keys: tuple[str, ...]
    advice: str
    found: str = ""
    values: tuple[str, ...] = ()


def advise_on_key(path: KeyPath, rig: Any) -> tuple[str, ...]:
    """Return the help for an unknown key. ``rig`` are the values of the spec."""
    key, known = str(path[-1]), list_known_keys(path[:-1])
    nameless = _find_table_without_name(path, rig)
    if nameless is not None:
        return (nameless,)
    rows = [row for row in _list_rows(path) if not row.found and not row.values]
    specific = [row for row in rows if key in row.keys]
    if specific:
        return (specific[0].advice,)
    elsewhere = find_tables_with_key(key)
    if elsewhere and len(elsewhere) <= _FEW:
        return (f"`{key}` is a key of {' and of '.join(f'`{table}`' for table in elsewhere)}",)
    near = get_close_matches(key, known, n=1, cutoff=0.5)
    if near:
        return (f"did you mean `{near[0]}`?",)
    if rows:
        return (rows[0].advice.replace("{key}", key),)
    return (f"known keys: {', '.join(known)}",)


def advise_on_type(path: KeyPath, found: str, rig: Any) -> tuple[str, ...]:
    """Return the help for a value of another type than the key has."""
    nameless = _find_table_without_name(path, rig)
    if nameless is not None:
        return (nameless,)
    if path[-1] in _REQUIREMENT_TABLES and found in ("an array", "a string"):
        return (f'write `{path[-1]} = {{ NAME = "VERSION" }}`; the version "*" is any',)
    rows = (row for row in _list_rows(path) if row.found == found)
    return tuple(row.advice.replace("{key}", str(path[-1])) for row in rows)[:1]


def advise_on_choice(path: KeyPath, value: Any) -> tuple[str, ...]:
    """Return the help for a value that is none of those that the key has."""
    return tuple(row.advice for row in _list_rows(path) if value in row.values)[:1]


def advise_on_extras(key: str, value: Any) -> tuple[str, ...]:
    """Return the help for a package whose name has its extras: ``"peft[all]" = "*"``."""
    name, opening, extras = key.partition("[")
    if not opening or not extras.endswith("]") or not isinstance(value, str):
        return ()
    return (f'write `{name.strip()} = "[{extras}{value if value != "*" else ""}"`',)


def _list_rows(path: KeyPath) -> Iterator[_Row]:
    table = _describe_table(path[:-1])
    for row in _load_rows():
        if row.table == table and (path[-1] in row.keys or _ANY in row.keys):
            yield row


def _describe_table(path: KeyPath) -> str:
    """Return the path with NAME for each name that the user chose: ``env.NAME.packages``."""
    parts = []
    for number, part in enumerate(path):
        parts.append(str(part) if part in list_known_keys(path[:number]) else _NAME)
    return ".".join(parts)


def _find_table_without_name(path: KeyPath, rig: Any) -> str | None:
    """Return the advice for ``[machine]`` with the keys of ``[machine.NAME]``."""
    for number in range(1, len(path)):
        parent, key = path[:number], path[number]
        keys = list_known_keys((*parent, _NAME)) if not list_known_keys(parent) else ()
        if key in keys and _has_type_of_key(parent, key, rig):
            shown = ".".join(map(str, parent))
            return f"`{shown}` has a table for each name: write `[{shown}.{_NAME}]`"
    return None


def _has_type_of_key(parent: KeyPath, key: str | int, rig: Any) -> bool:
    """Return whether a value is a table exactly if the key of a table with a name is."""
    value = rig
    for part in (*parent, key):
        value = value[part]
    described = describe_key((*parent, _NAME, key))
    return described is not None and described.is_only_table == isinstance(value, dict)


@cache
def _load_rows() -> tuple[_Row, ...]:
    file = locate_package_file(__file__, "key_advice.toml")
    return tuple(
        _Row(
            row["table"],
            tuple(row["keys"]),
            row["advice"],
            row.get("found", ""),
            tuple(row.get("values", ())),
        )
        for row in tomli.loads(file.read_text(encoding="utf-8"))["row"]
    )
