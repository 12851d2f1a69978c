"""Which image a container of the rig starts from."""

from __future__ import annotations

from rigspec.resolution import Resolution
from rigspec.spec.image import ImageReference
from rigspec.spec.model import Rig

__all__ = ["base_image"]


def base_image(rig: Rig, resolution: Resolution) -> ImageReference:
    """The one that the spec names; otherwise the distribution's own, which is called as it is."""
    asked = rig.container.base if rig.container is not None else None
    return ImageReference.parse(asked or resolution.os.replace(" ", ":"))
