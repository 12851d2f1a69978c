"""Where to fetch from is the user's: `[mirrors]` over the addresses of the lock."""

from __future__ import annotations

from dataclasses import replace

from rigspec.lock.conda.channels import with_alias
from rigspec.lock.model import LockedEnv, LockedFile, LockedMachine, LockedRepository
from rigspec.spec.models.mirrors import moved_url
from rigspec.spec.models.rig import Rig

__all__ = ["apply_mirrors"]


def apply_mirrors(rig: Rig, locked: LockedMachine) -> LockedMachine:
    """The machine with its downloads taken from the spec's mirrors; what is checked stays."""
    files, nvidia = rig.mirrors.files, rig.mirrors.nvidia
    return replace(
        locked,
        files=tuple(_file(file, files) for file in locked.files),
        repositories=tuple(_repository(found, nvidia) for found in locked.repositories),
        envs=tuple(_env(env, rig.mirrors.conda) for env in locked.envs),
    )


def _file(file: LockedFile, mirror: str | None) -> LockedFile:
    return file if mirror is None else replace(file, url=f"{mirror.rstrip('/')}/{file.name}")


def _env(env: LockedEnv, mirror: str | None) -> LockedEnv:
    """Only a lock of channels that go by a name leaves the address open."""
    return replace(
        env,
        explicit=with_alias(env.explicit, mirror),
        conda_lock=with_alias(env.conda_lock, mirror),
    )


def _repository(found: LockedRepository, mirror: str | None) -> LockedRepository:
    if mirror is None:
        return found
    return replace(
        found, url=moved_url(found.url, mirror), key_url=moved_url(found.key_url, mirror)
    )
