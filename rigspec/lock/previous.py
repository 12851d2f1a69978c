"""The image and the downloads of an earlier lock, as far as they may be reused."""

from __future__ import annotations

from collections.abc import Sequence

from rigspec.frozen import dataclass
from rigspec.lock.model import Lock, LockedFile, LockedImage, LockedMachine

__all__ = ["IMAGE", "PreviousArtifacts", "find_previous_artifacts"]

# What `lock --update` calls the base image, and the part of one that is unpinned.
IMAGE = "image"


@dataclass(frozen=True)
class PreviousArtifacts:
    """The base image and the downloads of one machine in an earlier lock."""

    image: LockedImage | None = None
    files: tuple[LockedFile, ...] = ()


def find_previous_artifacts(
    before: Lock | None, machine: str | None, moving: Sequence[str]
) -> PreviousArtifacts:
    """Return the artifacts of a machine in ``before``, except ``moving`` (``image``, a file)."""
    for locked in before.machines if before is not None else ():
        if locked.resolution.machine == machine:
            parts = {part for name in moving for part in (name, f"download.{name}")}
            return PreviousArtifacts(
                _find_image(locked, moving),
                tuple(file for file in locked.files if file.part not in parts),
            )
    return PreviousArtifacts()


def _find_image(locked: LockedMachine, moving: Sequence[str]) -> LockedImage | None:
    image = locked.image
    return image if image is not None and image.digest is not None and IMAGE not in moving else None
