"""The downloads, repositories and packages that a resolved rig needs."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rigspec.lock.fetch import file_name, sha256_of_url
from rigspec.lock.interpreter_files import interpreter_files, unpinned_interpreters
from rigspec.lock.model import (
    LockedFile,
    LockedPackage,
    LockedRepository,
    Unpinned,
)
from rigspec.matrix.model import Matrix, Release
from rigspec.resolution import Resolution
from rigspec.resolve.claims import image_tag
from rigspec.spec.model import Rig

__all__ = ["downloads", "packages_of", "release_of", "repositories_of", "unpinned_items"]

_REPOSITORY = "nvidia-repository"
_NAME = "nvidia-cuda"


def downloads(
    rig: Rig, resolution: Resolution, matrix: Matrix, kept: Collection[LockedFile] = ()
) -> Iterator[LockedFile]:
    """Every file the rig downloads. Raises LockError for one whose hash nobody can tell.

    What was taken from an address before (``kept``) is not taken anew.
    """
    if resolution.cudnn is not None and rig.cuda is not None and "cudnn" not in _image(rig):
        yield from _cudnn(rig, resolution, matrix, kept)
    if _from_runfile(rig, resolution):
        yield from _matrix_file(release_of(matrix, "cuda", resolution.cuda or ""), "cuda")
    for installer in sorted({env.installer for env in resolution.envs if env.installer}):
        yield from _matrix_file(release_of(matrix, "installer", installer), "installer")
    yield from interpreter_files(rig, resolution, matrix)
    for name in sorted(rig.download):
        download = rig.download[name]
        yield _given(download.url, download.sha256, f"download.{name}", kept)


def repositories_of(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[LockedRepository]:
    """The package repositories beside the distribution's own."""
    if not _from_repository(rig, resolution):
        return
    slug = release_of(matrix, "os", resolution.os).figure("nvidia_slug")
    key = _current_key(matrix)
    url = f"{key.figure('url')}/{slug}/{resolution.arch}"
    yield LockedRepository(
        name=_NAME,
        url=url,
        suite="/",
        components=(),
        key_url=f"{url}/{key.figure('file')}",
        key_fingerprint=key.figure("fingerprint") or "",
    )


def packages_of(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[LockedPackage]:
    """The packages that come from a repository beside the distribution's own."""
    if not _from_repository(rig, resolution):
        return
    if resolution.driver is not None:
        driver = _current_key(matrix).figure("driver_package") or ""
        yield LockedPackage(driver, "driver", f"{resolution.driver}-1", archive=_NAME)
    if rig.cuda is not None and rig.cuda.packages is not None:
        for name in rig.cuda.packages:
            yield LockedPackage(name, "cuda", archive=_NAME)
    elif resolution.cuda is not None and not _image(rig):
        toolkit = release_of(matrix, "cuda", resolution.cuda)
        name = toolkit.figure("apt_package") or ""
        yield LockedPackage(name, "cuda", toolkit.figure("apt_version"), archive=_NAME)


def unpinned_items(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[Unpinned]:
    """What the lock leaves open, and why."""
    yield from unpinned_interpreters(rig, resolution, matrix)
    if _from_runfile(rig, resolution):
        toolkit = release_of(matrix, "cuda", resolution.cuda or "")
        if not toolkit.artifacts:
            why = "the matrix knows no address of its runfile; take another release or provider"
            yield Unpinned(f"CUDA toolkit {toolkit.version}", why, part="cuda")
    if resolution.cudnn is not None and rig.cuda is not None and _installs_cuda(rig, resolution):
        url = getattr(rig.cuda.cudnn, "url", None)
        if url is None and not _cudnn_release(resolution, matrix).artifacts:
            why = "the matrix knows no address of its archive; name one in `cuda.cudnn.url`"
            yield Unpinned(f"cuDNN {resolution.cudnn}", why, part="cudnn")


def release_of(matrix: Matrix, product: str, label: str) -> Release:
    """The release that a resolution names. Raises KeyError."""
    for release in matrix.product(product).releases:
        if release.label == label:
            return release
    raise KeyError(f"{product} {label}")


def _image(rig: Rig) -> str:
    """The tag of the base image that the toolkit comes from; empty where it is installed."""
    cuda = rig.cuda
    if cuda is not None and "provider" in cuda.model_fields_set and cuda.provider != "image":
        return ""
    return image_tag(rig) or ""


def _from_repository(rig: Rig, resolution: Resolution) -> bool:
    provider = rig.cuda.provider if rig.cuda is not None else None
    return resolution.accelerator == "gpu" and provider == "nvidia"


def _from_runfile(rig: Rig, resolution: Resolution) -> bool:
    provider = rig.cuda.provider if rig.cuda is not None else None
    return resolution.cuda is not None and provider == "runfile"


def _installs_cuda(rig: Rig, resolution: Resolution) -> bool:
    return _from_repository(rig, resolution) or _from_runfile(rig, resolution)


def _current_key(matrix: Matrix) -> Release:
    keys = matrix.product(_REPOSITORY).releases
    return next(key for key in keys if not key.availability)


def _cudnn(
    rig: Rig, resolution: Resolution, matrix: Matrix, kept: Collection[LockedFile]
) -> Iterator[LockedFile]:
    cudnn = rig.cuda.cudnn if rig.cuda is not None else None
    if cudnn is not None and not isinstance(cudnn, str) and cudnn.url is not None:
        yield _given(cudnn.url, cudnn.sha256, "cudnn", kept)
        return
    yield from _matrix_file(_cudnn_release(resolution, matrix), "cudnn")


def _cudnn_release(resolution: Resolution, matrix: Matrix) -> Release:
    return release_of(matrix, "cudnn", f"{resolution.cudnn}+cuda{resolution.cudnn_cuda}")


def _matrix_file(release: Release, part: str) -> Iterator[LockedFile]:
    for artifact in release.artifacts[:1]:
        yield LockedFile(
            name=artifact.name,
            url=artifact.url,
            sha256=artifact.sha256,
            pinned_by="matrix",
            size=artifact.size,
            part=part,
        )


def _given(url: str, sha256: str | None, part: str, kept: Collection[LockedFile]) -> LockedFile:
    name = file_name(url)
    if sha256 is not None:
        return LockedFile(name, url, sha256, "spec", part=part)
    for file in kept:
        if (file.part, file.url, file.pinned_by) == (part, url, "lock"):
            return file
    found, size = sha256_of_url(url)
    return LockedFile(name, url, found, "lock", size=size, part=part)
