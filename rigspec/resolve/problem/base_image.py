"""The base image of a rig's containers."""

from __future__ import annotations

from rigspec.matrix.images import find_base_image
from rigspec.matrix.model import Release
from rigspec.spec.models.rig import Rig

__all__ = ["find_image_tag", "find_rig_image"]

# The image with tags in the matrix.
_IMAGE = "nvidia/cuda"


def find_image_tag(rig: Rig) -> str | None:
    """Return the tag of the base image, if the matrix has the tags of that image."""
    base = rig.container.base if rig.container is not None else None
    if base is None:
        return None
    name, _, tag = base.partition("@")[0].partition(":")
    return tag if name.removeprefix("docker.io/") == _IMAGE and tag else None


def find_rig_image(rig: Rig) -> Release | None:
    """Return the base image of the rig's containers, if the matrix knows what it contains."""
    base = rig.container.base if rig.container is not None else None
    return find_base_image(base) if base is not None else None
