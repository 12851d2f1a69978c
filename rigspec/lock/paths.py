"""Where a rig's lock stands: in a project, and on a machine that was built from it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["installed_lock_path", "lock_directory"]


def lock_directory(spec: Path, rig: str) -> Path:
    """``lockfiles/<rig>`` in the nearest folder above the spec that has ``lockfiles``.

    Where there is none, it is to stand beside the spec.
    """
    beside = spec.parent
    start = spec.resolve().parent
    for depth, folder in enumerate((start, *start.parents)):
        if (folder / "lockfiles").is_dir():
            # Keep the path as the person wrote it: relative where the spec was.
            above = beside.joinpath(*[".."] * depth) if depth else beside
            return _shortened(above) / "lockfiles" / rig
    return beside / "lockfiles" / rig


def _shortened(path: Path) -> Path:
    """``specs/..`` as ``.``: only where the folder that is left again is no link."""
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] not in ("..", "/"):
            if Path(*parts).is_symlink():
                return path
            parts.pop()
        else:
            parts.append(part)
    return Path(*parts)


def installed_lock_path(name: str) -> str:
    """Where a file of the lock that travels with an artifact stands on the machine."""
    return f"/opt/rig/lock/{name}"
