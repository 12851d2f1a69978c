"""From a resolved rig to its lock. The one place that is given the network."""

from __future__ import annotations

from collections.abc import Sequence

from rigspec.lock.environments import locked_env
from rigspec.lock.files import files_of, packages_of, repositories_of, unpinned_of
from rigspec.lock.model import Lock, LockedMachine
from rigspec.matrix.load import load_matrix
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.spec.load import digest
from rigspec.spec.model import Rig

__all__ = ["make_lock"]


def make_lock(rig: Rig, resolutions: Sequence[Resolution]) -> Lock:
    """Pin every machine of a rig. Raises LockFailure, and then there is no lock at all."""
    matrix = load_matrix()
    return Lock(
        rig=rig.name,
        spec_digest=digest(rig),
        matrix_digest=matrix.digest,
        machines=tuple(_machine(rig, resolution, matrix) for resolution in resolutions),
    )


def _machine(rig: Rig, resolution: Resolution, matrix: Matrix) -> LockedMachine:
    index = rig.mirrors.pypi
    return LockedMachine(
        resolution=resolution,
        files=tuple(files_of(rig, resolution, matrix)),
        repositories=tuple(repositories_of(rig, resolution, matrix)),
        packages=tuple(packages_of(rig, resolution, matrix)),
        envs=tuple(locked_env(rig, resolution, env, matrix, index) for env in resolution.envs),
        unpinned=tuple(unpinned_of(rig, resolution)),
    )
