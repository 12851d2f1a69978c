"""From a resolved rig to its lock. The one place that is given the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from rigspec.lock.environments import Kept, LockSettings, locked_env
from rigspec.lock.files import files_of, packages_of, repositories_of, unpinned_of
from rigspec.lock.model import Lock, LockedEnv, LockedMachine
from rigspec.lock.system_packages import pinned_packages, wanted_packages
from rigspec.matrix.load import load_matrix
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.spec.load import digest
from rigspec.spec.model import Rig

__all__ = ["make_lock", "parts_of"]

# Engines wait for an index most of the time.
_AT_ONCE = 4


def parts_of(resolutions: Sequence[Resolution]) -> tuple[str, ...]:
    """What is locked one beside the other, as it is called while that goes on."""
    return tuple(_called(r.machine, env.name) for r in resolutions for env in r.envs)


def make_lock(
    rig: Rig,
    resolutions: Sequence[Resolution],
    before: Lock | None = None,
    moving: Sequence[str] = (),
    settings: LockSettings | None = None,
    done: Callable[[str], None] = lambda part: None,
) -> Lock:
    """Pin every machine of a rig. Raises LockFailure, and then there is no lock at all.

    What the lock ``before`` pins stays where it can, but for the packages in ``moving``. ``done``
    is called with each of ``parts_of``, from whatever thread has finished it.
    """
    matrix = load_matrix()
    kept = _kept(before, tuple(moving))
    locked_before = {m.resolution.machine: m for m in (before.machines if before else ())}
    settings = settings or LockSettings()
    with ThreadPoolExecutor(_AT_ONCE) as pool:

        def env_lock(resolution: Resolution, number: int) -> LockedEnv:
            env = resolution.envs[number]
            before = kept.get((resolution.machine, env.name), Kept(moving=tuple(moving)))
            locked = locked_env(rig, resolution, env, matrix, before, settings)
            done(_called(resolution.machine, env.name))
            return locked

        waiting = [
            [pool.submit(env_lock, resolution, i) for i in range(len(resolution.envs))]
            for resolution in resolutions
        ]
        try:
            machines = [
                _machine(
                    rig, resolution, matrix, envs, locked_before.get(resolution.machine), moving
                )
                for resolution, envs in zip(resolutions, waiting, strict=True)
            ]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return Lock(
        rig=rig.name,
        spec_digest=digest(rig),
        matrix_digest=matrix.digest,
        machines=tuple(machines),
    )


def _called(machine: str | None, env: str) -> str:
    return f"{machine}/{env}" if machine is not None else env


_Kept = Mapping[tuple[str | None, str], Kept]


def _kept(before: Lock | None, moving: tuple[str, ...]) -> _Kept:
    return {
        (machine.resolution.machine, env.name): Kept(env.requirements, env.tools, moving)
        for machine in (before.machines if before is not None else ())
        for env in machine.envs
    }


def _machine(
    rig: Rig,
    resolution: Resolution,
    matrix: Matrix,
    waiting: Sequence[Future[LockedEnv]],
    before: LockedMachine | None,
    moving: Sequence[str],
) -> LockedMachine:
    envs = tuple(env.result() for env in waiting)
    files = tuple(files_of(rig, resolution, matrix))
    repositories = tuple(repositories_of(rig, resolution, matrix))
    fetches = bool(files or repositories)
    wanted = tuple(wanted_packages(rig, resolution, matrix, envs, fetches=fetches))
    system = pinned_packages(rig, resolution, matrix, wanted, before, moving)
    return LockedMachine(
        resolution=resolution,
        files=files,
        repositories=repositories,
        packages=(*packages_of(rig, resolution, matrix), *system.packages),
        envs=envs,
        unpinned=(*system.unpinned, *unpinned_of(rig, resolution)),
        archives=system.archives,
    )
