"""Rows that ``rigspec matrix refresh`` wrote into a table, kept until the facts have them."""

from __future__ import annotations

from pathlib import Path

import tomli

from rigspec.refresh.update import MARK

__all__ = ["kept_rows"]


def kept_rows(file: Path, generated: str) -> str:
    """The refreshed part of the table as it stands; nothing once the facts have its releases."""
    if not file.exists() or MARK not in file.read_text(encoding="utf-8"):
        return ""
    _, _, refreshed = file.read_text(encoding="utf-8").partition(MARK)
    known = {row["version"] for row in tomli.loads(generated).get("release", ())}
    added = {row["version"] for row in tomli.loads(refreshed).get("release", ())}
    return "" if added <= known else f"\n{MARK}{refreshed}"
