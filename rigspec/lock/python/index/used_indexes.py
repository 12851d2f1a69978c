"""The indexes in addition to the default one that a locked environment has packages from."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.lock.model import LockedEnv
from rigspec.lock.python.index.build_indexes import list_build_indexes
from rigspec.resolution import EnvResolution
from rigspec.spec.models.rig import Rig
from rigspec.spec.package_sources import NamedIndex, list_named_indexes

__all__ = ["list_extra_indexes", "list_used_indexes"]


def list_used_indexes(rig: Rig, env: LockedEnv) -> Iterator[tuple[NamedIndex, tuple[str, ...]]]:
    """Yield each index that locked packages are named for, and these packages."""
    built = (package for build in env.builds for package in build.tools)
    listed = (*env.packages, *env.tools, *built)
    names = sorted({package.name for package in listed if package.url is None})
    for index in list_named_indexes(rig):
        packages = tuple(filter(index.names, names))
        if packages:
            yield index, packages


def list_extra_indexes(
    rig: Rig, resolution: EnvResolution, env: LockedEnv | None
) -> tuple[str, ...]:
    """Return the addresses of the indexes that an environment needs, except the default one."""
    named = (index.url for index, _ in list_used_indexes(rig, env)) if env is not None else ()
    return tuple(dict.fromkeys((*list_build_indexes(rig, resolution), *named)))
