"""Cache the reports of `rigspec check`.

A check is a function of the spec's bytes, the matrix and rigspec's own code. Its result is stored
under a checksum of all of these. `RIGSPEC_NO_CACHE` or `--no-cache` disables the cache.
"""

from __future__ import annotations

import os
from pathlib import Path

from rigspec.cache.store import get_entry_path, load_entry, store_entry
from rigspec.diagnostics.model import Report
from rigspec.diagnostics.serialization import parse_reports, serialize_reports

__all__ = ["get_cache_path", "load_reports", "store_reports"]


def get_cache_path(spec: str, text: bytes, machine: str | None) -> Path | None:
    """Return the cache file of this check; None if the cache is disabled or has no folder.

    Args:
        spec: the path of the spec, which its diagnostics contain.
        text: the content of the spec.
        machine: the requested machine.
    """
    return get_entry_path("check", os.fsencode(spec), str(machine).encode(), text)


def load_reports(file: Path) -> list[Report] | None:
    """Return the cached reports; None if the file is missing or damaged."""
    text = load_entry(file)
    try:
        return parse_reports(text) if text is not None else None
    except (KeyError, TypeError, ValueError):
        return None


def store_reports(file: Path, reports: list[Report]) -> None:
    """Write the reports to the cache file; ignore a file system that refuses it."""
    store_entry(file, serialize_reports(reports))
