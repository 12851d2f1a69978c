"""NVIDIA's package repository: its address and key for a system, and the packages from it."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.hardware.switch_boards import find_switch_board
from rigspec.lock.model import DNF, LockedPackage, LockedRepository
from rigspec.matrix.model import Matrix, Release
from rigspec.resolution import Resolution
from rigspec.resolve.container_toolkit import (
    find_container_toolkit_key,
    needs_container_toolkit,
)
from rigspec.resolve.problem.base_image import find_toolkit_image
from rigspec.spec.models.rig import Rig
from rigspec.spec.types import has_apt

__all__ = [
    "CONTAINER_TOOLKIT",
    "FABRIC_MANAGER",
    "NVIDIA_REPOSITORY",
    "has_repository",
    "installs_toolkit_packages",
    "list_repositories",
    "list_third_party_packages",
]

NVIDIA_REPOSITORY = "nvidia-cuda"
# The part of a lock that sets up the switches between the GPUs of a server.
FABRIC_MANAGER = "fabric-manager"
# The part of a lock that gives containers access to the GPUs, and a repository with nothing else.
CONTAINER_TOOLKIT = "container-toolkit"
_CONTAINER_REPOSITORY = "nvidia-container-toolkit"
_TABLE = "nvidia-repository"
_SYSTEM = "os"
# From this branch on the packages of a driver for apt ask for a version or any newer one: a package
# that pins all of them has to be there first.
_FIRST_PINNED = 590


def list_repositories(resolution: Resolution, matrix: Matrix) -> Iterator[LockedRepository]:
    """Yield the third-party package repositories."""
    container_key = _find_container_key(resolution, matrix)
    is_needed = installs_toolkit_packages(resolution) or _installs_driver(resolution)
    is_needed |= container_key == _current_key(matrix)
    if is_needed and has_repository(resolution, matrix):
        yield _build_cuda_repository(resolution, matrix)
    if container_key is not None and container_key != _current_key(matrix):
        url = container_key.get("url") or ""
        yield LockedRepository(
            name=_CONTAINER_REPOSITORY,
            url=f"{url}/{container_key.get('container_toolkit_folder')}",
            suite="/",
            components=(),
            key_url=f"{url}/{container_key.get('file')}",
            key_fingerprint=container_key.get("fingerprint") or "",
        )


def _find_container_key(resolution: Resolution, matrix: Matrix) -> Release | None:
    if not needs_container_toolkit(resolution):
        return None
    return find_container_toolkit_key(resolution, matrix)


def _build_cuda_repository(resolution: Resolution, matrix: Matrix) -> LockedRepository:
    system = _find_system(matrix, resolution.os)
    key = _repository_key(matrix, system)
    current = _current_key(matrix)
    folder = current.get(f"{resolution.arch}_folder") or resolution.arch
    url = f"{current.get('url')}/{system.get('nvidia_slug')}/{folder}"
    is_apt = has_apt(resolution.os)
    return LockedRepository(
        name=NVIDIA_REPOSITORY,
        url=url,
        suite="/" if is_apt else "",
        components=(),
        key_url=f"{url}/{key.get('file')}",
        key_fingerprint=key.get("fingerprint") or "",
        manager=None if is_apt else DNF,
        key_text_sha256=key.get("text_sha256"),
        module_hotfixes=None if is_apt else True,
        third_party=None if is_apt else True,
    )


def list_third_party_packages(
    rig: Rig, resolution: Resolution, matrix: Matrix
) -> Iterator[LockedPackage]:
    """Yield the packages that come from a third-party repository, and the plugin that holds them.

    The version of a driver for dnf has no epoch and no release, which only the index has.
    """
    packages: list[LockedPackage] = []
    if has_repository(resolution, matrix):
        if _installs_driver(resolution):
            packages += _driver_packages(resolution, matrix)
            packages += _fabric_packages(rig, resolution, matrix)
        if installs_toolkit_packages(resolution):
            packages += _toolkit_packages(rig, resolution, matrix)
    if packages and not has_apt(resolution.os):
        key = _repository_key(matrix, _find_system(matrix, resolution.os))
        yield LockedPackage(key.get("version_lock_package") or "", "driver-pinning")
    yield from packages
    container_key = _find_container_key(resolution, matrix)
    if container_key is not None:
        current = _current_key(matrix)
        archive = NVIDIA_REPOSITORY if container_key == current else _CONTAINER_REPOSITORY
        name = current.get("container_toolkit_package") or ""
        yield LockedPackage(name, CONTAINER_TOOLKIT, archive=archive)


def installs_toolkit_packages(resolution: Resolution) -> bool:
    """Return whether the toolkit comes as packages from NVIDIA's repository."""
    return resolution.accelerator == "gpu" and resolution.cuda_provider == "nvidia"


def has_repository(resolution: Resolution, matrix: Matrix) -> bool:
    """Return whether the matrix has NVIDIA's package repository for the system."""
    slug = _find_system(matrix, resolution.os).get("nvidia_slug")
    systems = _current_key(matrix).get(f"{resolution.arch}_systems")
    return slug is not None and (systems is None or slug in systems.split())


def _installs_driver(resolution: Resolution) -> bool:
    return resolution.driver is not None and resolution.driver_source == "nvidia"


def _driver_packages(resolution: Resolution, matrix: Matrix) -> Iterator[LockedPackage]:
    """Yield the driver's packages, and for apt the one that keeps its parts at one version."""
    driver, modules = resolution.driver or "", resolution.kernel_modules or "proprietary"
    if not has_apt(resolution.os):
        key = _repository_key(matrix, _find_system(matrix, resolution.os))
        for name in (key.get(f"{modules}_packages") or "").split():
            yield LockedPackage(name, "driver", driver, archive=NVIDIA_REPOSITORY)
        return
    key = _current_key(matrix)
    branch = int(driver.partition(".")[0])
    version = f"{driver}-{_revision(key, resolution.os, branch, 'revisions')}"
    if branch >= _FIRST_PINNED:
        pinning = f"{key.get('pinning_package')}-{driver}"
        yield LockedPackage(pinning, "driver-pinning", archive=NVIDIA_REPOSITORY)
    name = key.get(f"{modules}_driver_package") or ""
    yield LockedPackage(name, "driver", version, archive=NVIDIA_REPOSITORY)


def _fabric_packages(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[LockedPackage]:
    """Yield the programs that set up the switches between GPUs: CUDA fails before they have run.

    The first must have the driver's version.
    """
    card = find_switch_board(rig, resolution.machine, matrix)
    if card is None:
        return
    driver, is_apt = resolution.driver or "", has_apt(resolution.os)
    branch = int(driver.partition(".")[0])
    key = _current_key(matrix)
    if not is_apt:
        key = _repository_key(matrix, _find_system(matrix, resolution.os))
    name = _value_at(key.get("fabric_manager_packages") or "", branch).format(branch=branch)
    version = driver
    if is_apt:
        version += f"-{_revision(key, resolution.os, branch, 'fabric_manager_revisions')}"
    yield LockedPackage(name, FABRIC_MANAGER, version, archive=NVIDIA_REPOSITORY)
    if card.get("subnet_manager") is not None:
        own, *others = (key.get("subnet_manager_packages") or "").split()
        yield LockedPackage(own, FABRIC_MANAGER, archive=NVIDIA_REPOSITORY)
        for name in others:
            yield LockedPackage(name, FABRIC_MANAGER)


def _toolkit_packages(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[LockedPackage]:
    if rig.cuda is not None and rig.cuda.packages is not None:
        for name in rig.cuda.packages:
            yield LockedPackage(name, "cuda", archive=NVIDIA_REPOSITORY)
    elif resolution.cuda is not None and not find_toolkit_image(rig):
        toolkit = matrix.product("cuda").find_release(resolution.cuda)
        if toolkit is None:
            raise KeyError(f"cuda {resolution.cuda}")
        # The packages for apt and for dnf have the same names, versions and releases.
        name, version = toolkit.get("apt_package") or "", toolkit.get("apt_version")
        yield LockedPackage(name, "cuda", version, archive=NVIDIA_REPOSITORY)


def _revision(key: Release, os: str, branch: int, name: str) -> str:
    """Return the packaging revision of a driver or of what goes with it, which no index states."""
    return _value_at(key.get(f"{os.partition(' ')[0]}_{name}") or "0:1", branch)


def _value_at(steps: str, branch: int) -> str:
    """Return the value of a branch of the driver, newest branches first.

    ``595:1ubuntu1 560:0ubuntu1 0:1`` says that it is ``1ubuntu1`` since branch 595.
    """
    parts = (step.partition(":") for step in steps.split())
    return next(value for first, _, value in parts if branch >= int(first))


def _find_system(matrix: Matrix, os: str) -> Release:
    """Return a system; one without properties if the matrix does not have it."""
    family, _, version = os.partition(" ")
    return matrix.product(_SYSTEM).find_release(os) or Release(_SYSTEM, family, version)


def _current_key(matrix: Matrix) -> Release:
    keys = matrix.product(_TABLE).releases
    return next(key for key in keys if not key.availability)


def _repository_key(matrix: Matrix, system: Release) -> Release:
    """Return the key of the system's repository: a separate one, else the current one."""
    current = _current_key(matrix)
    named = (system.get("signing_key") or "").partition(" ")[0]
    keys = matrix.product(_TABLE).releases
    own = (key for key in keys if key.family == named != current.family and not key.availability)
    return next(own, current)
