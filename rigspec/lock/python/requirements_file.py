"""Hash-pinned requirements in pip-tools' form, read back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name
from packaging.version import Version

__all__ = ["HashedPin", "format_pins", "read_pin_names", "read_pins", "remove_pins"]


@dataclass(frozen=True)
class HashedPin:
    """One requirement: a canonical name, a version, and the sha256 of each of its files."""

    name: str
    version: Version
    sha256: frozenset[str]


def read_pins(text: str) -> tuple[HashedPin, ...]:
    """Return the pins of a requirements file, in its order."""
    return tuple(_pin(entry) for entry in _entries(text) if "==" in entry)


def read_pin_names(text: str) -> frozenset[str]:
    """Return the canonical names that a requirements file pins."""
    return frozenset(pin.name for pin in read_pins(text))


def format_pins(versions: Mapping[str, tuple[Version, Collection[str]]]) -> str:
    """Return the requirements file of these versions and checksums, sorted by name."""
    blocks = []
    for name in sorted(versions):
        version, checksums = versions[name]
        lines = [f"{name}=={version}", *(f"    --hash=sha256:{h}" for h in sorted(checksums))]
        blocks.append(" \\\n".join(lines) + "\n")
    return "".join(blocks)


def remove_pins(text: str, names: frozenset[str]) -> str:
    """Return the file without the pins of these names."""
    return "".join(
        entry for entry in _entries(text) if "==" not in entry or _pin(entry).name not in names
    )


def _entries(text: str) -> Iterator[str]:
    """Each requirement with its continuation lines, and each comment."""
    entry = ""
    for line in text.splitlines(keepends=True):
        if entry and not line.startswith(" "):
            yield entry
            entry = ""
        entry += line
    if entry:
        yield entry


def _pin(entry: str) -> HashedPin:
    first, *options = entry.replace("\\\n", " ").split()
    name, _, version = first.partition(";")[0].partition("==")
    found = (option.partition("sha256:")[2] for option in options)
    return HashedPin(canonicalize_name(name), Version(version), frozenset(h for h in found if h))
