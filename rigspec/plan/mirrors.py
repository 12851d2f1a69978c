"""Replace the URLs of the lock by the mirrors of the spec."""

from __future__ import annotations

from dataclasses import replace

from rigspec.lock.conda.channels import resolve_alias
from rigspec.lock.model import (
    LockedConda,
    LockedEnv,
    LockedFile,
    LockedMachine,
    LockedPythonPackage,
    LockedRepository,
)
from rigspec.lock.nvidia_repository import NVIDIA_REPOSITORY
from rigspec.spec.mirror_urls import build_mirror_url
from rigspec.spec.models.mirrors import Mirrors

__all__ = ["apply_mirrors"]


def apply_mirrors(mirrors: Mirrors, locked: LockedMachine) -> LockedMachine:
    """Return the machine with downloads from the spec's mirrors; checksums are unchanged."""
    files, nvidia = mirrors.files, mirrors.nvidia
    return replace(
        locked,
        files=tuple(_mirror_file(file, files) for file in locked.files),
        repositories=tuple(
            _mirror_repository(each, nvidia if _is_nvidia(each) else mirrors.dnf)
            for each in locked.repositories
        ),
        envs=tuple(_mirror_env(env, mirrors.conda, files) for env in locked.envs),
    )


def _is_nvidia(repository: LockedRepository) -> bool:
    """Return whether a repository is NVIDIA's: of apt, all third-party repositories are."""
    return repository.name == NVIDIA_REPOSITORY or repository.manager is None


def _mirror_file(file: LockedFile, mirror: str | None) -> LockedFile:
    return file if mirror is None else replace(file, url=f"{mirror.rstrip('/')}/{file.name}")


def _mirror_env(env: LockedEnv, mirror: str | None, files: str | None) -> LockedEnv:
    """Return the environment with its channels on the mirror, if they are locked by name."""
    return replace(
        env,
        packages=tuple(_mirror_package(package, files) for package in env.packages),
        conda=_mirror_conda(env.conda, mirror),
        conda_lock=resolve_alias(env.conda_lock, mirror),
    )


def _mirror_package(package: LockedPythonPackage, mirror: str | None) -> LockedPythonPackage:
    """Return a package from an address with that of its file on the mirror."""
    if package.url is None or mirror is None:
        return package
    _, mark, fragment = package.url.partition("#")
    return replace(package, url=f"{mirror.rstrip('/')}/{package.file_name}{mark}{fragment}")


def _mirror_conda(conda: LockedConda | None, mirror: str | None) -> LockedConda | None:
    if conda is None:
        return None
    packages = (
        replace(package, address=resolve_alias(package.address, mirror))
        for package in conda.packages
    )
    return replace(conda, packages=tuple(packages))


def _mirror_repository(repository: LockedRepository, mirror: str | None) -> LockedRepository:
    if mirror is None:
        return repository
    return replace(
        repository,
        url=build_mirror_url(repository.url, mirror),
        key_url=build_mirror_url(repository.key_url, mirror),
    )
