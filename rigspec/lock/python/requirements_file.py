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
    "remove_direct_lines",
    "remove_pins",
]

_HEADER = "# Written by rigspec: do not edit. Install with pip --require-hashes --no-deps.\n"
# Before a line with an address.
_VERSION = "# "


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
    return _HEADER + "".join(map(_format_package, packages))


def _format_package(package: LockedPythonPackage) -> str:
    if package.url is None:
        return _block(package.name, package.version, package.sha256)
    # The comment states the version, which the address may not have.
    hashes = (f"    --hash=sha256:{h}" for h in sorted(package.sha256))
    lines = " \\\n".join([f"{package.name} @ {package.url}", *hashes])
    return f"{_VERSION}{package.name}=={package.version}\n{lines}\n"


def parse_requirements(
    text: str, from_source: Collection[str] = ()
) -> tuple[LockedPythonPackage, ...]:
    """Return the packages of a file that ``format_requirements`` wrote, or an older release.

    ``from_source`` are the names of those that are source archives.

    Raises:
        ValueError: A line is not a pin.

    """
    found = []
    version = ""
    for entry in _entries(text):
        if entry.startswith(_VERSION) and "==" in entry:
            version = entry.rpartition("==")[2].strip()
        elif entry.lstrip().startswith("#") or not entry.strip():
            continue
        elif " @ " in entry and version:
            found.append(_parse_direct(entry, version, from_source))
            version = ""
        elif "==" not in entry:
            raise ValueError(entry)
        else:
            pin = _pin(entry)
            checksums = tuple(sorted(pin.sha256))
            is_source = pin.name in from_source
            found.append(LockedPythonPackage(pin.name, str(pin.version), checksums, is_source))
    return tuple(found)


def _parse_direct(entry: str, version: str, from_source: Collection[str]) -> LockedPythonPackage:
    name, _, url, *options = entry.replace("\\\n", " ").split()
    checksums = tuple(sorted(option.partition("sha256:")[2] for option in options))
    if not url.startswith(("https://", "http://", "file://")) or not all(checksums):
        raise ValueError(entry)
    return LockedPythonPackage(name, version, checksums, name in from_source, url)


# A lock reads the same result several times, with thousands of checksums.
@lru_cache(maxsize=16)
def read_pins(text: str) -> tuple[HashedPin, ...]:
    """Return the pins of a requirements file, in its order."""
    return tuple(_pin(entry) for entry in _entries(text) if _is_pin(entry))


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
        entry for entry in _entries(text) if not _is_pin(entry) or _pin(entry).name not in names
    )


def remove_direct_lines(text: str) -> str:
    """Return the file without the lines of files at an address."""
    return "".join(entry for entry in _entries(text) if " @ " not in entry.partition("#")[0])


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


def _is_pin(entry: str) -> bool:
    return "==" in entry and " @ " not in entry and not entry.startswith("#")


def _pin(entry: str) -> HashedPin:
    first, *options = entry.replace("\\\n", " ").split()
    name, _, version = first.partition(";")[0].partition("==")
    found = (option.partition("sha256:")[2] for option in options)
    return HashedPin(normalize_name(name), Version(version), frozenset(h for h in found if h))
