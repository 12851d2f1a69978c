"""The days on which releases of frameworks were uploaded to the Python index.

They have separate tables because few specs need them.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from rigspec.cache.matrix_tables import parse_table
from rigspec.matrix.loader import get_tables_folder
from rigspec.matrix.model import Upload
from rigspec.matrix.rows import build_source

__all__ = ["get_uploads_path", "load_uploads", "parse_uploads"]


def load_uploads(product: str) -> tuple[Upload, ...]:
    """Return the upload days of a framework's releases; empty for other products."""
    file = get_tables_folder() / "uploads" / f"{product}.toml"
    return parse_uploads(product, file.read_bytes()) if file.is_file() else ()


def parse_uploads(product: str, data: bytes) -> tuple[Upload, ...]:
    """Parse a table of upload days."""
    return tuple(
        Upload(reading["package"], version, dt.date.fromisoformat(day), build_source(reading))
        for reading in parse_table(f"uploads-{product}", data)["reading"]
        for version, day in reading["uploaded"].items()
    )


def get_uploads_path(product: str) -> Path:
    """Return the path of a framework's table of upload days."""
    return Path(str(get_tables_folder() / "uploads" / f"{product}.toml"))
