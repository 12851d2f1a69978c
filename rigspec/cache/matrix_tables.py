"""Cache parsed tables of the matrix next to the bytecode, as plain values or as built objects.

Parsing TOML takes twenty times as long as reading JSON; reading objects saves building them. A
cache file is valid for one content of its table; if it cannot be written, the table is parsed each
time.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

__all__ = ["load_objects", "parse_table"]

_T = TypeVar("_T")

_FOLDER = Path(__file__).parent / "__pycache__"


def parse_table(name: str, data: bytes) -> dict[str, Any]:
    """Return the table as plain values, with dates as ISO 8601 strings.

    Args:
        name: the name of the table, for its cache file.
        data: its TOML text.
    """
    # A cryptographic hash is not needed: a user who can forge the cache can change the code.
    cached = _FOLDER / f"{name}.{len(data)}-{zlib.crc32(data):08x}.json"
    try:
        table: dict[str, Any] = json.loads(cached.read_bytes())
    except (OSError, ValueError):
        table = _parse(data)
        if not sys.dont_write_bytecode:
            _write(cached, json.dumps(table).encode())
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
    # A user who can write here can replace the bytecode, so reading a pickle adds no risk.
    import pickle

    key = f"{len(data)}-{zlib.crc32(data):08x}-{code:08x}-{sys.implementation.cache_tag}"
    cached = _FOLDER / f"{name}.{key}.pickle"
    try:
        built: _T = pickle.loads(cached.read_bytes())  # noqa: S301
    # A damaged pickle raises any of a dozen exceptions.
    except Exception:
        built = build(_parse(data))
        if not sys.dont_write_bytecode:
            _write(cached, pickle.dumps(built, protocol=pickle.HIGHEST_PROTOCOL))
    return built


def _parse(data: bytes) -> dict[str, Any]:
    # Most calls find the table in the cache and never need a TOML parser.
    import tomli

    table: dict[str, Any] = json.loads(json.dumps(tomli.loads(data.decode()), default=str))
    return table


def _write(cached: Path, content: bytes) -> None:
    partial = cached.with_name(f"{cached.name}.{os.getpid()}")
    # Read-only folders and zip files cannot be written.
    with suppress(OSError):
        partial.write_bytes(content)
        partial.replace(cached)
