"""Figures that no fact table has, with their own sources: overlay/figures.toml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import tomli

__all__ = ["More", "more_figures", "retirement"]

_FILE = Path(__file__).resolve().parent / "overlay" / "figures.toml"


@dataclass(frozen=True)
class More:
    """Figures of one release, and which sources of its product told each of them."""

    figures: Mapping[str, str] = field(default_factory=dict)
    told_by: Mapping[str, list[str]] = field(default_factory=dict)
    sources: tuple[str, ...] = ()


def more_figures(product: str, release: str) -> More:
    figures: dict[str, str] = {}
    told_by: dict[str, list[str]] = {}
    for entry in _entries("figure", product, release):
        figures |= entry["is"]
        # An empty one takes away what the fact table tells.
        told_by |= {key: entry["source"] for key, told in entry["is"].items() if told}
    for entry in _entries("retired", product, release):
        told_by["withdrawn"] = entry["source"]
    named = dict.fromkeys(key for keys in told_by.values() for key in keys)
    return More(figures, told_by, tuple(named))


def retirement(instance: str) -> list[tuple[str, str, str]]:
    return [
        ("withdrawn", str(entry["day"]), entry["reason"])
        for entry in _entries("retired", "instance", instance)
    ]


def _entries(kind: str, product: str, release: str) -> list[dict[str, Any]]:
    return [
        entry
        for entry in _overlay().get(kind, ())
        if entry.get("product", "instance") == product and re.fullmatch(entry["of"], release)
    ]


@lru_cache(maxsize=1)
def _overlay() -> dict[str, Any]:
    return tomli.loads(_FILE.read_text(encoding="utf-8"))
