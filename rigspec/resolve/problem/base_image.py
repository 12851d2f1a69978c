"""The base image of a rig's containers."""

from __future__ import annotations

import re

from rigspec.matrix.images import find_base_image, get_system_of_reference
from rigspec.matrix.model import Release
from rigspec.spec.models.rig import Rig

__all__ = [
    "find_image_tag",
    "find_rig_image",
    "find_toolkit_image",
    "has_image_with_cuda",
    "has_unknown_image",
    "suggest_image_with_compiler",
]

# The image with tags in the matrix.
_IMAGE = "nvidia/cuda"
# Kinds of images with CUDA but without nvcc, as their tags name them: they have only libraries.
# https://github.com/pranavmishra90/nvidia-container-images-cuda (dist/12.8.0/ubuntu2204/runtime),
# read 2026-11-30.
_WITHOUT_COMPILER = re.compile(r"(?<=-)(?:base|runtime)(?=-|$)")


def find_image_tag(rig: Rig) -> str | None:
    """Return the tag of the base image, if the matrix has the tags of that image."""
    base = rig.container.base if rig.container is not None else None
    if base is None:
        return None
    name, _, tag = base.partition("@")[0].partition(":")
    return tag if name.removeprefix("docker.io/") == _IMAGE and tag else None


def find_toolkit_image(rig: Rig) -> str:
    """Return the tag of the base image that has the toolkit; empty where it is installed."""
    cuda = rig.cuda
    if cuda is not None and "provider" in cuda.model_fields_set and cuda.provider != "image":
        return ""
    return find_image_tag(rig) or ""


def find_rig_image(rig: Rig) -> Release | None:
    """Return the base image of the rig's containers, if the matrix knows what it contains."""
    base = rig.container.base if rig.container is not None else None
    return find_base_image(base) if base is not None else None


def has_image_with_cuda(rig: Rig) -> bool:
    """Return whether the base image is known to contain CUDA."""
    image = find_rig_image(rig)
    return find_image_tag(rig) is not None or (image is not None and bool(image.implies))


def has_unknown_image(rig: Rig) -> bool:
    """Return whether nothing is known of the base image, such as whether it has nvcc."""
    base = rig.container.base if rig.container is not None else None
    if base is None or has_image_with_cuda(rig):
        return False
    return get_system_of_reference(base) is None


def suggest_image_with_compiler(rig: Rig) -> str | None:
    """Return the kind of the base image that has nvcc, if that of the rig has CUDA without it."""
    base = rig.container.base if rig.container is not None else None
    image = find_rig_image(rig)
    installs_cuda = rig.cuda is not None and "provider" in rig.cuda.model_fields_set
    if base is None or image is None or not image.implies or installs_cuda:
        return None
    reference = base.partition("@")[0]
    found = _WITHOUT_COMPILER.sub("devel", reference)
    return found if found != reference else None
