"""Tables, parsed once: JSON beside the bytecode, as Python keeps what it compiles.

TOML is for people and takes twenty times as long to read. The cache is good for one content only
and is never needed: where it cannot be written, tables are parsed each time.
"""

from __future__ import annotations

import json
import os
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

__all__ = ["parsed_table"]

_FOLDER = Path(__file__).parent / "__pycache__"


def parsed_table(name: str, data: bytes) -> dict[str, Any]:
    """A table as plain values; dates are ISO 8601 strings."""
    # A checksum of the content is enough: nobody gains by forging a cache they can write to.
    cached = _FOLDER / f"{name}.{len(data)}-{zlib.crc32(data):08x}.json"
    try:
        table: dict[str, Any] = json.loads(cached.read_bytes())
    except (OSError, ValueError):
        table = _parsed(data)
        if not sys.dont_write_bytecode:
            _keep(cached, table)
    return table


def _parsed(data: bytes) -> dict[str, Any]:
    import tomli

    table: dict[str, Any] = json.loads(json.dumps(tomli.loads(data.decode()), default=str))
    return table


def _keep(cached: Path, table: dict[str, Any]) -> None:
    partial = cached.with_name(f"{cached.name}.{os.getpid()}")
    # Read-only folders and zip files cannot be written to, and need not be.
    with suppress(OSError):
        partial.write_text(json.dumps(table), encoding="utf-8")
        partial.replace(cached)
