"""Hash-pinned requirements files in pip-tools' form, written and read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache

from packaging.version import Version

from rigspec.frozen import dataclass
from rigspec.lock.model import LockedPythonPackage
from rigspec.version_specifiers import normalize_name

__all__ = [
    "HashedPin",
    "format_pins",
    "format_requirements",
    "parse_requirements",
    "read_pin_names",
    "read_pins",
    "remove_pins",
]

_HEADER = "# Written by rigspec: do not edit. Install with pip --require-hashes --no-deps.\n"


@dataclass(frozen=True)
class HashedPin:
    """A pin of a resolver: a canonical name, a version, and the sha256 of each of its files."""

    name: str
    version: Version
    sha256: frozenset[str]

    @classmethod
    def of(cls, package: LockedPythonPackage) -> HashedPin:
        """Return the pin of a locked package."""
        return cls(package.name, Version(package.version), frozenset(package.sha256))


def format_requirements(packages: Iterable[LockedPythonPackage]) -> str:
    """Return the file that pip installs these packages from."""
    return _HEADER + "".join(_block(p.name, p.version, p.sha256) for p in packages)


def parse_requirements(
    text: str, from_source: Collection[str] = ()
) -> tuple[LockedPythonPackage, ...]:
    """Return the packages of a file that ``format_requirements`` wrote, or an older release.

    ``from_source`` are the names of those that are source archives.

    Raises:
        ValueError: A line is not a pin.

    """
    for entry in _entries(text):
        if "==" not in entry and not entry.lstrip().startswith("#") and entry.strip():
            raise ValueError(entry)
    return tuple(
        LockedPythonPackage(
            pin.name, str(pin.version), tuple(sorted(pin.sha256)), pin.name in from_source
        )
        for pin in read_pins(text)
    )


# A lock reads the same result several times, with thousands of checksums.
@lru_cache(maxsize=16)
def read_pins(text: str) -> tuple[HashedPin, ...]:
    """Return the pins of a requirements file, in its order."""
    return tuple(_pin(entry) for entry in _entries(text) if "==" in entry)


def read_pin_names(text: str) -> frozenset[str]:
    """Return the canonical names that a requirements file pins."""
    return frozenset(pin.name for pin in read_pins(text))


def format_pins(versions: Mapping[str, tuple[Version, Collection[str]]]) -> str:
    """Return the requirements file of these versions and checksums, sorted by name."""
    return "".join(
        _block(name, version, checksums) for name, (version, checksums) in sorted(versions.items())
    )


def remove_pins(text: str, names: frozenset[str]) -> str:
    """Return the file without the pins of these names."""
    return "".join(
        entry for entry in _entries(text) if "==" not in entry or _pin(entry).name not in names
    )


def _block(name: str, version: Version | str, checksums: Collection[str]) -> str:
    lines = [f"{name}=={version}", *(f"    --hash=sha256:{h}" for h in sorted(checksums))]
    return " \\\n".join(lines) + "\n"


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
    return HashedPin(normalize_name(name), Version(version), frozenset(h for h in found if h))
