"""Folders that a lock names: its own, and that of NVIDIA's toolkit."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["get_installed_lock_path", "get_nvidia_cuda_home", "lock_directory"]


def lock_directory(spec: Path, rig: str) -> Path:
    """Return ``lockfiles/<rig>`` in the nearest folder above the spec that has ``lockfiles``.

    Where there is none, it is next to the spec. Folders of other users are not searched: a lock
    says what an installer does as root.
    """
    base = spec.parent
    start = spec.resolve().parent
    for depth, folder in enumerate((start, *start.parents)):
        if _has_trusted_owner(folder / "lockfiles", start):
            # Keep the path as the person wrote it: relative where the spec was.
            above = base.joinpath(*[".."] * depth) if depth else base
            return _shorten(above) / "lockfiles" / rig
    return base / "lockfiles" / rig


def _has_trusted_owner(lockfiles: Path, spec_folder: Path) -> bool:
    """Return whether the folder exists and is root's, this user's or the spec's owner's."""
    trusted = {0, os.geteuid(), spec_folder.stat().st_uid}
    return lockfiles.is_dir() and lockfiles.stat().st_uid in trusted


def _shorten(path: Path) -> Path:
    """Return ``specs/..`` as ``.``, but only where the folder is not a link."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] not in ("..", "/"):
            if Path(*parts).is_symlink():
                return path
            parts.pop()
        else:
            parts.append(part)
    return Path(*parts)


def get_installed_lock_path(name: str) -> str:
    """Return the path on the machine of a file of the lock that is part of an artifact."""
    return f"/opt/rig/lock/{name}"


def get_nvidia_cuda_home(cuda: str) -> str:
    """Return the folder that NVIDIA's packages and runfiles install this toolkit to."""
    major, minor, *_ = cuda.split(".")
    return f"/usr/local/cuda-{major}.{minor}"
