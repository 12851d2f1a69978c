"""The repository with the package that gives containers access to the GPUs."""

from __future__ import annotations

from rigspec.matrix.model import Matrix, Release
from rigspec.resolution import DEFAULT_ARCH, Resolution

__all__ = ["find_container_toolkit_key", "needs_container_toolkit"]

_TABLE = "nvidia-repository"


def needs_container_toolkit(resolution: Resolution) -> bool:
    """Return whether a container engine is installed on a machine with GPUs."""
    return resolution.docker is not None and resolution.accelerator == "gpu"


def find_container_toolkit_key(resolution: Resolution, matrix: Matrix) -> Release | None:
    """Return the key of the repository that has the package; None if no source documents one."""
    system = matrix.product("os").find_release(resolution.os)
    slug = system.get("nvidia_slug") if system is not None else None
    # No source documents the packages for Arm servers.
    if slug is None or resolution.arch != DEFAULT_ARCH:
        return None
    keys = matrix.product(_TABLE).releases
    found = (k for k in keys if slug in (k.get("container_toolkit_systems") or "").split())
    return next(found, None)
