"""Collect the files of a lock, one part for each kind of source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rigspec.bundle.apt import fetch_apt_part, fetch_repositories_part
from rigspec.bundle.conda import fetch_conda_part
from rigspec.bundle.downloads import fetch_downloads_part
from rigspec.bundle.images import fetch_images_part
from rigspec.bundle.model import (
    BundleFile,
    BundlePart,
    GeneratedFile,
    MissingItem,
    ServedIndex,
)
from rigspec.bundle.python_index import fetch_pypi_part
from rigspec.lock.model import Lock, LockedMachine
from rigspec.lock.previous import IMAGE
from rigspec.lock.python.index.config import read_index_configuration
from rigspec.plan.mirrors import apply_mirrors
from rigspec.spec.models.rig import Rig

__all__ = ["Bundle", "build_bundle"]


@dataclass(frozen=True)
class Bundle:
    """The contents of a bundle, before anything is downloaded."""

    parts: tuple[BundlePart, ...]

    @property
    def files(self) -> tuple[BundleFile, ...]:
        """The files to download, without duplicates, sorted by path."""
        by_path = {item.path: item for part in self.parts for item in part.files}
        return tuple(by_path[path] for path in sorted(by_path))

    @property
    def generated(self) -> tuple[GeneratedFile, ...]:
        """The index pages and lists that rigspec writes."""
        return tuple(item for part in self.parts for item in part.generated)

    @property
    def missing(self) -> tuple[MissingItem, ...]:
        """The items of the lock that cannot be included."""
        return tuple(item for part in self.parts for item in part.missing)

    @property
    def mirrors(self) -> tuple[tuple[str, str], ...]:
        """The keys of ``[mirrors]`` that the bundle serves, with the folder of each."""
        return tuple(item for part in self.parts for item in part.mirrors)

    @property
    def indexes(self) -> tuple[ServedIndex, ...]:
        """The indexes of the spec that the bundle serves."""
        return tuple(item for part in self.parts for item in part.indexes)


def build_bundle(rig: Rig, lock: Lock, machine: str | None) -> Bundle:
    """Find the source of every file of a lock.

    Args:
        rig: The spec of the lock.
        lock: The lock.
        machine: Include only this machine; None includes all.

    Raises:
        LockError: A source is unreachable or cannot be trusted.

    """
    chosen = [m for m in lock.machines if machine in (None, m.resolution.machine)]
    sources = [apply_mirrors(rig.mirrors, locked) for locked in chosen]
    return Bundle(
        (
            fetch_downloads_part(sources),
            fetch_pypi_part(rig, chosen, rig.mirrors.pypi or read_index_configuration()),
            fetch_conda_part(chosen, rig.mirrors.conda),
            fetch_apt_part(chosen, rig.mirrors.apt),
            fetch_images_part(rig, chosen),
            fetch_repositories_part(chosen, rig.mirrors.nvidia),
            _unpinned(chosen),
        )
    )


def _unpinned(machines: Sequence[LockedMachine]) -> BundlePart:
    """Return the downloads without a checksum or an address; base images are reported elsewhere."""
    left = [item for machine in machines for item in machine.unpinned if item.part]
    missing = (MissingItem(item.what, item.reason) for item in left if item.part != IMAGE)
    return BundlePart(missing=tuple(dict.fromkeys(missing)))
