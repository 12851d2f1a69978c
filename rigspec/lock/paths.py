"""Folders that a lock names: its own, and that of NVIDIA's toolkit."""

from __future__ import annotations

import os
import pwd
from collections.abc import Container
from pathlib import Path

__all__ = ["ForeignLock", "get_installed_lock_path", "get_nvidia_cuda_home", "lock_directory"]


class ForeignLock(Exception):
    """The lock of the rig belongs to another user."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} belongs to the user {_name_owner(path)}")
        self.path = path


def lock_directory(spec: Path, rig: str) -> Path:
    """Return ``lockfiles/<rig>`` in the nearest folder above the spec that has ``lockfiles``.

    Where there is none, it is next to the spec. A folder of another user without a lock of the rig
    is skipped.

    Raises:
        ForeignLock: The lock belongs to another user, who would decide what an installer does as
            root.
    """
    base = spec.parent
    start = spec.resolve().parent
    trusted = {0, os.geteuid(), start.stat().st_uid}
    for depth, folder in enumerate((start, *start.parents)):
        lockfiles = folder / "lockfiles"
        if not lockfiles.is_dir():
            continue
        foreign = _find_foreign(lockfiles, rig, trusted)
        if foreign is None:
            # Keep the path as the person wrote it: relative where the spec was.
            above = base.joinpath(*[".."] * depth) if depth else base
            return _shorten(above) / "lockfiles" / rig
        if (lockfiles / rig).exists():
            raise ForeignLock(foreign)
    return base / "lockfiles" / rig


def _find_foreign(lockfiles: Path, rig: str, trusted: Container[int]) -> Path | None:
    """Return the folder, or the link to it, that belongs to a user who is not trusted."""
    for path in (lockfiles, lockfiles / rig, lockfiles / rig / "rig.lock"):
        if not path.exists() and not path.is_symlink():
            return None
        # The owner of a link decides where it leads.
        owners = {path.lstat().st_uid, (path.stat() if path.exists() else path.lstat()).st_uid}
        if not all(owner in trusted for owner in owners):
            return path
    return None


def _name_owner(path: Path) -> str:
    owner = path.lstat().st_uid
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return str(owner)


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
