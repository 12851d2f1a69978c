"""From a resolved rig to its lock. The one place that is given the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rigspec.lock.environments import Kept, locked_env
from rigspec.lock.files import files_of, packages_of, repositories_of, unpinned_of
from rigspec.lock.model import Lock, LockedMachine
from rigspec.matrix.load import load_matrix
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.spec.load import digest
from rigspec.spec.model import Rig

__all__ = ["make_lock"]


def make_lock(
    rig: Rig,
    resolutions: Sequence[Resolution],
    before: Lock | None = None,
    moving: Sequence[str] = (),
) -> Lock:
    """Pin every machine of a rig. Raises LockFailure, and then there is no lock at all.

    What the lock ``before`` pins stays where it can, but for the packages in ``moving``.
    """
    matrix = load_matrix()
    kept = _kept(before, tuple(moving))
    return Lock(
        rig=rig.name,
        spec_digest=digest(rig),
        matrix_digest=matrix.digest,
        machines=tuple(_machine(rig, resolution, matrix, kept) for resolution in resolutions),
    )


_Kept = Mapping[tuple[str | None, str], Kept]


def _kept(before: Lock | None, moving: tuple[str, ...]) -> _Kept:
    return {
        (machine.resolution.machine, env.name): Kept(env.requirements, env.tools, moving)
        for machine in (before.machines if before is not None else ())
        for env in machine.envs
    }


def _machine(rig: Rig, resolution: Resolution, matrix: Matrix, kept: _Kept) -> LockedMachine:
    index = rig.mirrors.pypi
    name = resolution.machine
    return LockedMachine(
        resolution=resolution,
        files=tuple(files_of(rig, resolution, matrix)),
        repositories=tuple(repositories_of(rig, resolution, matrix)),
        packages=tuple(packages_of(rig, resolution, matrix)),
        envs=tuple(
            locked_env(rig, resolution, env, matrix, index, kept.get((name, env.name), Kept()))
            for env in resolution.envs
        ),
        unpinned=tuple(unpinned_of(rig, resolution)),
    )
