"""The downloads, repositories and packages that a resolved rig needs."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.lock.fetch import sha256_of_url
from rigspec.lock.model import (
    LockedFile,
    LockedPackage,
    LockedRepository,
    Unpinned,
)
from rigspec.matrix.model import Matrix, Release
from rigspec.resolution import Resolution
from rigspec.spec.model import Rig

__all__ = ["files_of", "packages_of", "release_of", "repositories_of", "unpinned_of"]

_REPOSITORY = "nvidia-repository"
_NAME = "nvidia-cuda"


def files_of(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[LockedFile]:
    """Every file the rig downloads. Raises LockFailure for one whose hash nobody can tell."""
    if resolution.cudnn is not None and rig.cuda is not None:
        yield from _cudnn(rig, resolution, matrix)
        if rig.cuda.provider == "runfile":
            yield from _matrix_file(release_of(matrix, "cuda", resolution.cuda or ""), "cuda")
    for installer in sorted({env.installer for env in resolution.envs if env.installer}):
        yield from _matrix_file(release_of(matrix, "installer", installer), "installer")
    for name in sorted(rig.download):
        download = rig.download[name]
        yield _given(download.url, download.sha256, f"download.{name}")


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
    elif resolution.cuda is not None:
        toolkit = release_of(matrix, "cuda", resolution.cuda)
        name = toolkit.figure("apt_package") or ""
        yield LockedPackage(name, "cuda", toolkit.figure("apt_version"), archive=_NAME)


def unpinned_of(rig: Rig, resolution: Resolution) -> Iterator[Unpinned]:
    """What the lock leaves open, and why."""
    if _from_repository(rig, resolution):
        yield Unpinned(
            f"packages of the repository {_NAME}",
            "its index is not read: versions are locked, but neither a sha256 nor what they need",
        )
    base = rig.container.base if rig.container is not None else None
    yield Unpinned(
        f"base image {base or resolution.os.replace(' ', ':')}",
        "no registry is asked for its digest",
    )


def release_of(matrix: Matrix, product: str, label: str) -> Release:
    """The release that a resolution names. Raises KeyError."""
    for release in matrix.product(product).releases:
        if release.label == label:
            return release
    raise KeyError(f"{product} {label}")


def _from_repository(rig: Rig, resolution: Resolution) -> bool:
    provider = rig.cuda.provider if rig.cuda is not None else None
    return resolution.accelerator == "gpu" and provider == "nvidia"


def _current_key(matrix: Matrix) -> Release:
    keys = matrix.product(_REPOSITORY).releases
    return next(key for key in keys if not key.availability)


def _cudnn(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[LockedFile]:
    cudnn = rig.cuda.cudnn if rig.cuda is not None else None
    if cudnn is not None and not isinstance(cudnn, str) and cudnn.url is not None:
        yield _given(cudnn.url, cudnn.sha256, "cudnn")
        return
    label = f"{resolution.cudnn}+cuda{resolution.cudnn_cuda}"
    yield from _matrix_file(release_of(matrix, "cudnn", label), "cudnn")


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


def _given(url: str, sha256: str | None, part: str) -> LockedFile:
    name = url.rpartition("/")[2]
    if sha256 is not None:
        return LockedFile(name, url, sha256, "spec", part=part)
    found, size = sha256_of_url(url)
    return LockedFile(name, url, found, "lock", size=size, part=part)
