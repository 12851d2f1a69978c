"""Detect the cloud provider of a machine from its firmware."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import tomli

__all__ = ["Cloud", "detect_cloud", "list_known_tags"]


@dataclass(frozen=True)
class Cloud:
    """A provider by its name in the matrix, and the instance type if the firmware has it."""

    family: str
    instance: str | None


def detect_cloud(dmi: Mapping[str, str]) -> Cloud | None:
    """Return the provider that the firmware names; None for a machine on premises."""
    for row in _rows():
        if dmi.get(row["field"]) == row["value"]:
            return Cloud(row["family"], dmi.get(row.get("instance", "")))
    return None


def list_known_tags(field: str) -> frozenset[str]:
    """Return the values of a field that a provider sets on all of its machines."""
    return frozenset(row["value"] for row in _rows() if row["field"] == field)


@cache
def _rows() -> tuple[dict[str, Any], ...]:
    text = (resources.files("rigspec.host") / "cloud_detection.toml").read_text(encoding="utf-8")
    return tuple(tomli.loads(text)["cloud"])
