"""The locked base image held against what the spec and the matrix say now. Asks no registry."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.lock.model import LockedMachine
from rigspec.matrix.load import load_image
from rigspec.resolution import Resolution
from rigspec.resolve.base_image import base_image
from rigspec.resolve.claims import image_tag
from rigspec.spec.model import Rig

__all__ = ["base_image_differences"]

_UNPINNED = "base image "


def base_image_differences(locked: LockedMachine, rig: Rig, decided: Resolution) -> Iterator[str]:
    """What has moved, in words; nothing where the base image is still the one that was locked."""
    before, wanted = _locked(locked), str(base_image(rig, decided))
    if before is not None and before != wanted:
        yield f"the base image is {before} in the lock and {wanted} in the spec"
    elif locked.image is not None and locked.image.pinned_by == "matrix":
        tag = image_tag(rig)
        image = load_image(tag) if tag is not None else None
        digest = image.figure("digest") if image is not None else None
        if digest != locked.image.digest:
            now = digest or "absent"
            before = locked.image.digest
            yield f"the digest of {wanted} is {before} in the lock and {now} in the matrix"


def _locked(machine: LockedMachine) -> str | None:
    """The locked reference, as the spec wrote it."""
    image = machine.image
    if image is None:
        named = (item.what for item in machine.unpinned if item.what.startswith(_UNPINNED))
        return next((what.removeprefix(_UNPINNED) for what in named), None)
    return f"{image.reference}@{image.digest}" if image.pinned_by == "spec" else image.reference
