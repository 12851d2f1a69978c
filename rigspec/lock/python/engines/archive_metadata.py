"""Metadata of source archives that uv cannot build, as its configuration states it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from rigspec.lock.errors import LockError
from rigspec.lock.python.index.package_index import AvailableVersion, PackageIndex

__all__ = ["ArchiveMetadata"]

_UNBUILT = re.compile(
    r"failed to (?:download and )?build `([A-Za-z0-9._-]+)==([^`\s]+)`", re.IGNORECASE
)


class ArchiveMetadata:
    """The requirements of the source archives that a build failed for.

    They are read from the archives, and nothing of these is run. ``excluded`` are constraints
    without the releases that cannot be built for the target at all.
    """

    def __init__(self, index: PackageIndex) -> None:
        self._index = index
        self._tables: dict[tuple[str, Version], str] = {}
        self.excluded: list[str] = []

    def add_unbuilt(self, report: str) -> bool:
        """Add the archive whose build failed in a report of uv; False if there is no new one."""
        offer = next(self._find_offers(report), None)
        if offer is None or (offer.name, offer.version) in self._tables:
            return False
        try:
            requirements = self._index.requirements(offer)
            if self._index.missing_build_requirement(offer) is not None:
                self.excluded.append(f"{offer.name}!={offer.version}")
        except LockError:
            return False
        self._tables[offer.name, offer.version] = _format_table(offer, map(str, requirements))
        return True

    def render(self) -> str:
        """Return the archives as a file of uv's configuration."""
        return "".join(self._tables.values())

    def _find_offers(self, report: str) -> Iterator[AvailableVersion]:
        """Yield the release that a report names first, where the target's pip would build it."""
        named = _UNBUILT.search(report)
        if named is None:
            return
        name = canonicalize_name(named[1])
        try:
            version = Version(named[2])
            offers = self._index.offers(name)
        except (InvalidVersion, LockError):
            return
        yield from (each for each in offers if each.version == version and not each.has_wheel)


def _format_table(offer: AvailableVersion, requirements: Iterator[str]) -> str:
    # Strings and arrays of JSON are those of TOML.
    return (
        "[[dependency-metadata]]\n"
        f"name = {json.dumps(offer.name)}\n"
        f"version = {json.dumps(str(offer.version))}\n"
        f"requires-dist = {json.dumps(list(requirements))}\n"
    )
