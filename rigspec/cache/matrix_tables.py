"""Cache parsed tables of the matrix next to the bytecode, as plain values or as built objects.

Parsing TOML takes twenty times as long as reading JSON; reading objects saves building them. A
cache file is valid for one content of its table; if it cannot be written, the table is parsed each
time.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Callable
from typing import Any, TypeVar

from rigspec.cache.compiled_files import FOLDER, write_compiled_file

__all__ = ["load_objects", "parse_table"]

_T = TypeVar("_T")


def parse_table(name: str, data: bytes) -> dict[str, Any]:
    """Return the table as plain values, with dates as ISO 8601 strings.

    Args:
        name: the name of the table, for its cache file.
        data: its TOML text.
    """
    # A cryptographic hash is not needed: a user who can forge the cache can change the code.
    cached = FOLDER / f"{name}.{len(data)}-{zlib.crc32(data):08x}.json"
    try:
        table: dict[str, Any] = json.loads(cached.read_bytes())
    except (OSError, ValueError):
        table = _parse(data)
        write_compiled_file(cached, json.dumps(table).encode())
    return table


def load_objects(name: str, data: bytes, code: int, build: Callable[[dict[str, Any]], _T]) -> _T:
    """Return what ``build`` makes of a table, from the cache if it is there.

    Args:
        name: the name of the table, for its cache file.
        data: its TOML text.
        code: a checksum of the code of ``build`` and of the classes that it uses. An object that
            other code has written is not read.
        build: makes the objects from the plain values of the table.
    """
    import pickle

    key = f"{len(data)}-{zlib.crc32(data):08x}-{code:08x}-{sys.implementation.cache_tag}"
    cached = FOLDER / f"{name}.{key}.pickle"
    try:
        built: _T = pickle.loads(cached.read_bytes())  # noqa: S301
    # A damaged pickle raises any of a dozen exceptions.
    except Exception:
        built = build(_parse(data))
        write_compiled_file(cached, pickle.dumps(built, protocol=pickle.HIGHEST_PROTOCOL))
    return built


def _parse(data: bytes) -> dict[str, Any]:
    # Most calls find the table in the cache and never need a TOML parser.
    import tomli

    table: dict[str, Any] = json.loads(json.dumps(tomli.loads(data.decode()), default=str))
    return table
