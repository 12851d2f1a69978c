"""Requirements about CUDA: where it comes from, its toolkit and its libraries."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.resolve.problem.base_image import find_image_tag, find_rig_image
from rigspec.resolve.problem.model import DECLARED, KeyPath, Requirement
from rigspec.spec.models.cuda import Cuda
from rigspec.spec.models.rig import Rig

__all__ = ["list_cuda_requirements"]

# Where a toolkit can come from if the spec has no `[cuda]` table.
_INSTALLABLE = ("nvidia", "runfile", "debian")


def list_cuda_requirements(rig: Rig, cuda_from_wheels: bool) -> Iterator[Requirement]:
    """Yield the source of CUDA, and what the spec requests of the toolkit and its libraries."""
    path: KeyPath = ("container", "base")
    image = find_rig_image(rig)
    if image is not None and image.implies:
        label = f"starts from an image of {image.implies[0].alternatives[0].removeprefix('==')}"
        yield Requirement("image", (DECLARED,), path, label, False, display="the base image")
    yield _forward_compatibility(rig)
    cuda = rig.cuda
    has_cuda = cuda is None and image is not None and bool(image.implies)
    if has_cuda or (
        find_image_tag(rig) is not None
        and (cuda is None or "provider" not in cuda.model_fields_set)
    ):
        yield Requirement("provider", ("image",), path, "includes CUDA", editable=False)
    elif cuda is None:
        providers = ("wheels",) if cuda_from_wheels else _INSTALLABLE
        label = "takes CUDA from wheels" if cuda_from_wheels else "installs CUDA where it is needed"
        yield Requirement("provider", providers, None, label, editable=False)
    else:
        given = ("cuda", "provider") if "provider" in cuda.model_fields_set else None
        yield Requirement("provider", (cuda.provider,), given, f"takes CUDA from {cuda.provider}")
    yield from _toolkit_requirements(cuda)


def _toolkit_requirements(cuda: Cuda | None) -> Iterator[Requirement]:
    if cuda is None:
        return
    if cuda.toolkit is not None:
        label = f"requests CUDA {cuda.toolkit}"
        yield Requirement("cuda", (cuda.toolkit,), ("cuda", "toolkit"), label)
    if isinstance(cuda.cudnn, str):
        label = f"requests cuDNN {cuda.cudnn}"
        yield Requirement("cudnn", (cuda.cudnn,), ("cuda", "cudnn"), label)
    elif cuda.cudnn is not None:
        label = f"requests cuDNN {cuda.cudnn.version}"
        path = ("cuda", "cudnn", "version")
        yield Requirement("cudnn", (cuda.cudnn.version,), path, label)
        if cuda.cudnn.built_for is not None:
            label = f"this cuDNN is built for CUDA {cuda.cudnn.built_for}"
            path = ("cuda", "cudnn", "built_for")
            yield Requirement("cudnn_cuda", (cuda.cudnn.built_for,), path, label)


def _forward_compatibility(rig: Rig) -> Requirement:
    """Return whether the package that lets an older driver run a newer toolkit is installed."""
    packages = (rig.cuda.packages if rig.cuda is not None else None) or ()
    for index, package in enumerate(packages):
        if package.startswith("cuda-compat"):
            path: KeyPath = ("cuda", "packages", index)
            label = "lets an older driver run a newer toolkit"
            return Requirement("forward_compatibility", ("yes",), path, label, False)
    return Requirement("forward_compatibility", ("no",), None, "installs no cuda-compat", False)
