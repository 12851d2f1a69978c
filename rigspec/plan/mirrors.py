"""Where to fetch from is the user's: `[mirrors]` over the addresses of the lock."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from rigspec.lock.model import LockedFile, LockedMachine, LockedRepository
from rigspec.spec.model import Rig

__all__ = ["mirrored"]


def mirrored(rig: Rig, locked: LockedMachine) -> LockedMachine:
    """The machine with its downloads taken from the spec's mirrors; what is checked stays."""
    files, nvidia = rig.mirrors.files, rig.mirrors.nvidia
    return replace(
        locked,
        files=tuple(_file(file, files) for file in locked.files),
        repositories=tuple(_repository(found, nvidia) for found in locked.repositories),
    )


def _file(file: LockedFile, mirror: str | None) -> LockedFile:
    return file if mirror is None else replace(file, url=f"{mirror.rstrip('/')}/{file.name}")


def _repository(found: LockedRepository, mirror: str | None) -> LockedRepository:
    if mirror is None:
        return found
    return replace(found, url=_moved(found.url, mirror), key_url=_moved(found.key_url, mirror))


def _moved(url: str, mirror: str) -> str:
    return mirror.rstrip("/") + urlsplit(url).path
