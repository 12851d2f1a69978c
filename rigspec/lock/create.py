"""From a resolved rig to its lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from rigspec.lock.apt.packages import find_toolkit, list_requested_packages, lock_system_packages
from rigspec.lock.apt.third_party import ThirdPartyRepositoryCache
from rigspec.lock.artifacts import (
    find_unpinned_items,
    list_downloads,
)
from rigspec.lock.container_engine import require_requested_engine
from rigspec.lock.dnf.distribution import find_dnf_distribution
from rigspec.lock.dnf.packages import lock_dnf_packages
from rigspec.lock.errors import (
    report_unknown_system,
    report_unsupported_build,
)
from rigspec.lock.model import Lock, LockedEnv, LockedMachine, Unpinned
from rigspec.lock.nvidia_repository import list_repositories, list_third_party_packages
from rigspec.lock.oci.base_image import BaseImageLocker, Warn
from rigspec.lock.previous import PreviousArtifacts, find_previous_artifacts
from rigspec.lock.python.environment import (
    EnvironmentLock,
    LockSettings,
    PreviousPins,
)
from rigspec.lock.python.framework_rules import join_environments
from rigspec.lock.python.index.build_indexes import (
    find_build_index,
    list_indexed_builds,
    strip_build_indexes,
)
from rigspec.lock.python.python_choice import lock_environment
from rigspec.lock.services import (
    find_notebook,
    find_unknown_services,
    list_service_packages,
    list_services,
)
from rigspec.lock.system_dependencies import (
    find_unmet_dependencies,
    list_dependency_packages,
)
from rigspec.matrix.loader import load_matrix
from rigspec.matrix.model import Matrix
from rigspec.resolution import (
    UNKNOWN_SYSTEM,
    EnvResolution,
    Pin,
    Resolution,
    is_page_of_links,
)
from rigspec.spec.loader import compute_spec_digest
from rigspec.spec.machine_limits import limit_to_machine
from rigspec.spec.models.rig import Rig

__all__ = [
    "create_lock",
    "list_environment_labels",
]

# Engines wait for an index most of the time.
_AT_ONCE = 4


def list_environment_labels(resolutions: Sequence[Resolution]) -> tuple[str, ...]:
    """Return the labels of the environments, for the progress display."""
    return tuple(_label(r.machine, env.name) for r in resolutions for env in r.envs)


def create_lock(
    rig: Rig,
    resolutions: Sequence[Resolution],
    before: Lock | None = None,
    moving: Sequence[str] = (),
    settings: LockSettings | None = None,
    done: Callable[[str], None] = lambda part: None,
    warn: Warn = lambda warning: None,
) -> Lock:
    """Pin every machine of a rig. Raises LockError.

    Pins of the lock ``before`` are reused where possible, except those that ``moving`` names.
    ``done`` is called with each of ``list_environment_labels``, from the thread that finished it;
    ``warn`` receives warnings.
    """
    for resolution in resolutions:
        if resolution.os == UNKNOWN_SYSTEM:
            base = rig.container.base if rig.container is not None else None
            raise report_unknown_system(resolution.machine, base or UNKNOWN_SYSTEM)
        for env in resolution.envs:
            for build in list_indexed_builds(rig.env[env.name], env):
                address = find_build_index(rig, env, build)
                if not address or is_page_of_links(address):
                    raise report_unsupported_build(env, build, address)
    matrix = load_matrix()
    names = tuple(moving)
    previous = _previous_pins(before, names)
    settings = settings or LockSettings()
    images, foreign = BaseImageLocker(rig, warn), ThirdPartyRepositoryCache(rig.mirrors.nvidia)
    rigs = {r.machine: limit_to_machine(rig, r.machine) for r in resolutions}
    with ThreadPoolExecutor(_AT_ONCE) as pool:

        def lock_one(
            resolution: Resolution, env: EnvResolution, same_machine: bool
        ) -> EnvironmentLock:
            here = previous.get((resolution.machine, env.name), PreviousPins(moving=names))
            return lock_environment(
                *(rigs[resolution.machine], resolution, env, matrix, here, settings),
                same_machine=same_machine,
            )

        def lock_all(resolution: Resolution, waiting: _Waiting) -> _LockedEnvironments:
            locked = tuple(future.result() for future in waiting)
            own = rigs[resolution.machine]
            joint = _join(own, resolution, matrix, locked)
            if joint is None:
                # Solved alone, the environments need different toolkits or drivers.
                locked = tuple(lock_one(resolution, env, True) for env in resolution.envs)
                joint = _join(own, resolution, matrix, locked)
            for warning in dict.fromkeys(w for each in locked for w in each.warnings):
                warn(warning)
            unpinned = dict.fromkeys(item for each in locked for item in each.unpinned)
            envs = tuple(each.env for each in locked)
            return _LockedEnvironments(envs, joint or resolution, tuple(unpinned))

        def lock_and_report(resolution: Resolution, number: int) -> EnvironmentLock:
            env = resolution.envs[number]
            locked = lock_one(resolution, env, False)
            done(_label(resolution.machine, env.name))
            return locked

        waiting = [
            [pool.submit(lock_and_report, resolution, i) for i in range(len(resolution.envs))]
            for resolution in resolutions
        ]
        try:
            machines = [
                _machine(
                    rigs[found.machine],
                    matrix,
                    lock_all(found, envs),
                    _PreviousMachine.of(before, found.machine, names),
                    images,
                    foreign,
                )
                for found, envs in zip(resolutions, waiting, strict=True)
            ]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return Lock(
        rig=rig.name,
        spec_digest=compute_spec_digest(rig),
        matrix_digest=matrix.digest,
        machines=tuple(machines),
    )


def _label(machine: str | None, env: str) -> str:
    return f"{machine}/{env}" if machine is not None else env


_Waiting = Sequence[Future[EnvironmentLock]]


@dataclass(frozen=True)
class _LockedEnvironments:
    """The environments of a machine, the resolution with their frameworks, and what is open."""

    envs: tuple[LockedEnv, ...]
    resolution: Resolution
    unpinned: tuple[Unpinned, ...]


def _join(
    rig: Rig, resolution: Resolution, matrix: Matrix, locked: Sequence[EnvironmentLock]
) -> Resolution | None:
    """Return the machine's resolution with the environments as locked; None on a conflict."""
    if not locked:
        return resolution
    envs = [(each.resolution, each.frameworks) for each in locked]
    return join_environments(rig, resolution, matrix, envs)


def _previous_pins(
    before: Lock | None, moving: tuple[str, ...]
) -> Mapping[tuple[str | None, str], PreviousPins]:
    free = {name.lower() for name in moving}
    return {
        (machine.resolution.machine, env.name): PreviousPins(
            tuple(Pin(package.name, package.version) for package in (*env.packages, *env.tools)),
            tuple((p.name, p.md5) for p in env.conda_packages if p.name not in free),
            *(moving, env.engine),
        )
        for machine in (before.machines if before is not None else ())
        for env in machine.envs
    }


@dataclass(frozen=True)
class _PreviousMachine:
    """The earlier lock of a machine, and the names that may change."""

    machine: LockedMachine | None
    artifacts: PreviousArtifacts
    moving: tuple[str, ...]

    @classmethod
    def of(cls, before: Lock | None, name: str | None, moving: tuple[str, ...]) -> _PreviousMachine:
        locked = {m.resolution.machine: m for m in (before.machines if before else ())}
        return cls(locked.get(name), find_previous_artifacts(before, name, moving), moving)


def _machine(
    rig: Rig,
    matrix: Matrix,
    locked: _LockedEnvironments,
    earlier: _PreviousMachine,
    images: BaseImageLocker,
    foreign: ThirdPartyRepositoryCache,
) -> LockedMachine:
    resolution, envs = locked.resolution, locked.envs
    files = tuple(list_downloads(rig, resolution, matrix, earlier.artifacts.files))
    repositories = tuple(list_repositories(resolution, matrix))
    machine = LockedMachine(
        resolution=strip_build_indexes(rig, resolution),
        files=files,
        unpinned=(
            *find_unpinned_items(rig, resolution, matrix),
            *find_unknown_services(rig, resolution, matrix),
            *find_unmet_dependencies(resolution, matrix, envs),
            *locked.unpinned,
        ),
        services=tuple(list_services(rig, resolution, matrix)),
        toolkit=find_toolkit(rig, resolution, matrix),
    )
    machine = images.add_image(machine, earlier.artifacts.image)
    fetched = [file.name for file in files]
    fetched += [repository.name for repository in repositories]
    wanted = (
        *list_third_party_packages(rig, resolution, matrix),
        *list_requested_packages(rig, resolution, matrix, envs, fetched=fetched),
        *list_service_packages(rig, machine.services),
        *list_dependency_packages(resolution, matrix, envs),
    )
    distribution = find_dnf_distribution(matrix, resolution.os, resolution.arch)
    if distribution is not None:
        system = lock_dnf_packages(
            *(distribution, wanted, repositories, rig.mirrors, earlier.machine, earlier.moving)
        )
    else:
        system = lock_system_packages(
            *(rig, resolution, matrix, wanted, repositories, foreign),
            *(earlier.machine, earlier.moving),
        )
    require_requested_engine(rig, resolution, system.packages)
    return replace(
        machine,
        packages=system.packages,
        repositories=system.repositories,
        envs=envs,
        unpinned=(*system.unpinned, *machine.unpinned),
        archives=system.archives,
        notebook=find_notebook(rig, envs, matrix),
    )
