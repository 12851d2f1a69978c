"""The choice of a base image. Separate from the client, so that ``compile`` imports no network."""

from __future__ import annotations

from rigspec.matrix.loader import load_matrix
from rigspec.resolution import Resolution
from rigspec.spec.image_reference import ImageReference
from rigspec.spec.models.rig import Rig

__all__ = ["choose_base_image", "get_default_image"]


def choose_base_image(rig: Rig, resolution: Resolution) -> ImageReference:
    """Return the image of the spec; otherwise the distribution's own."""
    requested = rig.container.base if rig.container is not None else None
    return ImageReference.parse(requested or get_default_image(resolution.os))


def get_default_image(os: str) -> str:
    """Return the image of a distribution: ``debian:12``, ``rockylinux/rockylinux:9``."""
    releases = load_matrix(["os"]).product("os").releases
    named = (release.get("image") for release in releases if release.label == os)
    return next(named, None) or os.replace(" ", ":")
