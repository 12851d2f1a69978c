"""Cache parsed tables of the matrix as JSON next to the bytecode.

Parsing TOML takes twenty times as long. A cache file is valid for one content of its table; if it
cannot be written, the table is parsed each time.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["parse_table"]

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
            _store(cached, table)
    return table


def _parse(data: bytes) -> dict[str, Any]:
    # Most calls find the table in the cache and never need a TOML parser.
    import tomli

    table: dict[str, Any] = json.loads(json.dumps(tomli.loads(data.decode()), default=str))
    return table


def _store(cached: Path, table: dict[str, Any]) -> None:
    partial = cached.with_name(f"{cached.name}.{os.getpid()}")
    # Read-only folders and zip files cannot be written.
    with suppress(OSError):
        partial.write_text(json.dumps(table), encoding="utf-8")
        partial.replace(cached)
