"""What a bundle of a lock holds, part by part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rigspec.bundle.apt import apt_part, repositories_part
from rigspec.bundle.conda import conda_part
from rigspec.bundle.downloads import downloads_part
from rigspec.bundle.images import images_part
from rigspec.bundle.model import BundleFile, GeneratedFile, MissingItem, Part
from rigspec.bundle.python_index import pypi_part
from rigspec.lock.model import Lock, LockedMachine
from rigspec.lock.previous import IMAGE
from rigspec.lock.python.index.config import configured_index
from rigspec.plan.mirrors import apply_mirrors
from rigspec.spec.models.rig import Rig

__all__ = ["Bundle", "build_bundle"]


@dataclass(frozen=True)
class Bundle:
    """What a bundle of a lock holds, before anything is fetched."""

    parts: tuple[Part, ...]

    @property
    def wanted(self) -> tuple[BundleFile, ...]:
        """Every file of it, once."""
        by_path = {item.path: item for part in self.parts for item in part.wanted}
        return tuple(by_path[path] for path in sorted(by_path))

    @property
    def listings(self) -> tuple[GeneratedFile, ...]:
        """The small files that are made for it."""
        return tuple(item for part in self.parts for item in part.listings)

    @property
    def absent(self) -> tuple[MissingItem, ...]:
        """What it cannot have."""
        return tuple(item for part in self.parts for item in part.absent)

    @property
    def mirrors(self) -> tuple[tuple[str, str], ...]:
        """The keys of ``[mirrors]`` that it answers for, with the folder of each."""
        return tuple(item for part in self.parts for item in part.mirrors)


def build_bundle(rig: Rig, lock: Lock, machine: str | None) -> Bundle:
    """Find where each byte of a lock is now; of one machine, if it is named. Raises LockError."""
    chosen = [m for m in lock.machines if machine in (None, m.resolution.machine)]
    sources = [apply_mirrors(rig, locked) for locked in chosen]
    return Bundle(
        (
            downloads_part(sources),
            pypi_part(chosen, rig.mirrors.pypi or configured_index()),
            conda_part(chosen, rig.mirrors.conda),
            apt_part(chosen, rig.mirrors.apt),
            images_part(rig, chosen),
            repositories_part(chosen, rig.mirrors.nvidia),
            _unpinned(chosen),
        )
    )


def _unpinned(machines: Sequence[LockedMachine]) -> Part:
    """Downloads that the lock found no checksum or no address for; a base image tells its own."""
    left = [item for machine in machines for item in machine.unpinned if item.part]
    told = (MissingItem(item.what, item.reason) for item in left if item.part != IMAGE)
    return Part(absent=tuple(dict.fromkeys(told)))
