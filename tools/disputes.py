"""Facts that two sources tell differently: both are kept, and why one is in force."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import tomli
from matrix_rows import quoted, read

__all__ = ["disputes"]

_REASONS = Path(__file__).resolve().parent / "overlay" / "disputes.toml"


def disputes(facts: Path, product: str) -> Iterator[str]:
    """The product's rows of the cross-check whose sources disagree, each with a reason."""
    reasons = tomli.loads(_REASONS.read_text(encoding="utf-8"))["dispute"]
    by_cell = {(entry["table"], entry["cell"]): entry for entry in reasons}
    for row in read(facts, "crosscheck"):
        if row["agree"] != "NO":
            continue
        entry = by_cell.get((row["table"], row["cell"]))
        if entry is None:
            raise SystemExit(f"{_REASONS.name} gives no reason for {row['table']}: {row['cell']}")
        if entry["product"] != product:
            continue
        first = entry["in_force"] == "a"
        ours, theirs = ("a", "b") if first else ("b", "a")
        pairs = {
            "about": entry["about"],
            "in_force": row[f"value_{ours}"],
            "according_to": row[f"source_{ours}"],
            "other": row[f"value_{theirs}"],
            "other_according_to": row[f"source_{theirs}"],
            "reason": entry["reason"],
        }
        told = "\n".join(f"{key} = {quoted(value)}" for key, value in pairs.items())
        yield f"[[dispute]]\n{told}\nread = 2026-11-21\n"
