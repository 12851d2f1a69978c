"""The package indexes of builds that the default index does not have, such as ``2.7.1+cu118``.

``[index.NAME]`` of the spec names the index of the build ``NAME``; the matrix knows the public
ones. A lock contains checksums and no address.
"""

from __future__ import annotations

from dataclasses import replace

from rigspec.matrix.loader import load_matrix
from rigspec.resolution import Build, EnvResolution, Resolution
from rigspec.resolve.problem.channels import list_channel_frameworks
from rigspec.spec.models.environment import Environment
from rigspec.spec.models.rig import Rig
from rigspec.version_specifiers import build_of

__all__ = [
    "find_build_index",
    "list_build_indexes",
    "list_indexed_builds",
    "strip_build_indexes",
]


def list_indexed_builds(spec: Environment, env: EnvResolution) -> tuple[Build, ...]:
    """Return the builds of an environment that pip installs, which are not those of channels."""
    from_channels = list_channel_frameworks(spec)
    return tuple(build for build in env.builds if build.framework not in from_channels)


def find_build_index(rig: Rig, env: EnvResolution, build: Build) -> str:
    """Return the address of the index of a build: that of the spec, else the public one."""
    version = next(pin.version for pin in env.frameworks if pin.name == build.framework)
    named = rig.index.get(build_of(version))
    if named is not None:
        return named.url
    if build.index:
        return build.index
    releases = load_matrix([build.framework]).product(build.framework).releases
    return next((r.get("index") or "" for r in releases if r.version == version), "")


def list_build_indexes(rig: Rig, env: EnvResolution) -> tuple[str, ...]:
    """Return the addresses of the indexes that an environment needs, each once."""
    builds = list_indexed_builds(rig.env[env.name], env) if env.name in rig.env else ()
    return tuple(dict.fromkeys(find_build_index(rig, env, build) for build in builds))


def strip_build_indexes(rig: Rig, resolution: Resolution) -> Resolution:
    """Return a resolution without the addresses of indexes, as a lock contains it."""
    return replace(resolution, envs=tuple(_strip(rig, env) for env in resolution.envs))


def _strip(rig: Rig, env: EnvResolution) -> EnvResolution:
    indexed = list_indexed_builds(rig.env[env.name], env)
    builds = (replace(build, index="") if build in indexed else build for build in env.builds)
    return replace(env, builds=tuple(builds))
