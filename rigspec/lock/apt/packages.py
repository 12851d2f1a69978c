"""Packages of the system: the ones a rig needs, each at one version of the archive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from rigspec.lock.apt.distribution import Distribution, find_distribution, find_keyrings
from rigspec.lock.apt.gpg import can_verify
from rigspec.lock.apt.selection import DEPENDENCY, PackageRequest, PackageSelection, select_packages
from rigspec.lock.apt.sources import Sources, find_sources, get_variable_name
from rigspec.lock.apt.third_party import (
    RepositoryUnavailable,
    ThirdPartyIndexes,
    ThirdPartyRepositoryCache,
    require_answer,
)
from rigspec.lock.container_engine import list_engine_packages
from rigspec.lock.dnf.distribution import has_dnf
from rigspec.lock.errors import index_failure
from rigspec.lock.host_compiler import find_host_compiler
from rigspec.lock.model import (
    LockedArchive,
    LockedEnv,
    LockedMachine,
    LockedPackage,
    LockedRepository,
    LockedToolkit,
    Unpinned,
)
from rigspec.lock.paths import get_nvidia_cuda_home
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.spec.mirror_urls import build_archive_url
from rigspec.spec.models.rig import Rig
from rigspec.spec.types import has_apt

__all__ = [
    "LockedSystemPackages",
    "find_toolkit",
    "list_requested_packages",
    "lock_system_packages",
]

# What fetches and checks the files of the lock, and what unpacks them, by the end of their name.
_FETCH_TOOLS = ("bzip2", "ca-certificates", "curl", "gnupg")
_DNF_FETCH_TOOLS = ("bzip2", "ca-certificates", "curl", "tar")
_UNPACKERS = {".xz": "xz-utils"}
_DNF_UNPACKERS = {".xz": "xz"}


@dataclass(frozen=True)
class LockedSystemPackages:
    """The packages, pinned or not; their archives and repositories; the unpinned items
    with the reasons.
    """

    packages: tuple[LockedPackage, ...]
    archives: tuple[LockedArchive, ...] = ()
    repositories: tuple[LockedRepository, ...] = ()
    unpinned: tuple[Unpinned, ...] = ()


def list_requested_packages(
    rig: Rig,
    resolution: Resolution,
    matrix: Matrix,
    envs: Iterable[LockedEnv],
    *,
    fetched: Sequence[str],
) -> Iterator[LockedPackage]:
    """Yield the packages that the rig needs from the distribution, without versions.

    ``fetched`` are the names of the other downloads.
    """
    for name in sorted(set(rig.system.packages) if rig.system is not None else ()):
        yield LockedPackage(name, "system")
    for name in _list_fetch_tools(resolution, matrix, fetched):
        yield LockedPackage(name, "fetch")
    if resolution.driver is not None and resolution.driver_source == "distribution":
        yield from _driver(rig, resolution, matrix)
    if _from_distribution(resolution):
        yield from _accelerator(rig, resolution, matrix)
    yield from list_engine_packages(resolution, matrix)
    for name in sorted({name for env in envs for name in env.interpreter.packages}):
        yield LockedPackage(name, "interpreter")


def _list_fetch_tools(
    resolution: Resolution, matrix: Matrix, fetched: Sequence[str]
) -> tuple[str, ...]:
    if not fetched:
        return ()
    if has_apt(resolution.os):
        tools, known = _FETCH_TOOLS, _UNPACKERS
    elif has_dnf(matrix, resolution.os):
        tools, known = _DNF_FETCH_TOOLS, _DNF_UNPACKERS
    else:
        return ()
    unpackers = {tool for end, tool in known.items() if any(f.endswith(end) for f in fetched)}
    return (*tools, *sorted(unpackers))


def find_toolkit(rig: Rig, resolution: Resolution, matrix: Matrix) -> LockedToolkit | None:
    """Return the toolkit, from the distribution or from NVIDIA; None without CUDA."""
    if resolution.cuda is None:
        return None
    found = find_distribution(matrix, resolution.os, resolution.arch)
    from_distribution = found is not None and _from_distribution(resolution)
    if found is None or not from_distribution or found.cuda_home is None or found.nvcc is None:
        return LockedToolkit(get_nvidia_cuda_home(resolution.cuda))
    return LockedToolkit(found.cuda_home, found.nvcc, _compiler(rig, resolution, matrix, found))


def lock_system_packages(
    rig: Rig,
    resolution: Resolution,
    matrix: Matrix,
    wanted: Sequence[LockedPackage],
    repositories: Sequence[LockedRepository],
    indexes: ThirdPartyRepositoryCache,
    before: LockedMachine | None = None,
    moving: Sequence[str] = (),
) -> LockedSystemPackages:
    """Return the wanted packages and their dependencies, at the newest signed versions.

    A package wanted from one of the third-party ``repositories`` has its name. What
    ``before`` pins is unchanged, except ``moving``. Raises LockError where an index that is
    configured fails; where none is, or none can be verified, what is not pinned stays so.
    """
    if not wanted:
        return LockedSystemPackages((), repositories=tuple(repositories))
    distribution = find_distribution(matrix, resolution.os, resolution.arch)
    if distribution is None:
        why = "the matrix has no signed archive of this system; the machine's own sources decide"
        return _open(wanted, ThirdPartyIndexes(tuple(repositories), why_not=why), why)
    third_party = indexes.of(repositories)
    own = tuple(package for package in wanted if package.archive is None)
    others = tuple(package for package in wanted if package.archive is not None)
    had = _previously_locked(distribution, before)
    moves = any(package.name in moving for package in had.packages)
    snapshot = next((a.snapshot for a in had.archives if a.snapshot and not moves), None)
    sources = find_sources(distribution, rig.mirrors.apt, snapshot)
    why_not = _why_not_lockable(distribution, sources, rig.mirrors.apt)
    own_had, others_had = _still_wanted(own, others, had), _still_wanted(others, own, had)
    if sources is None or why_not is not None:
        if own_had is None:
            return _open(wanted, third_party, why_not or "")
        if moves:
            raise index_failure("the packages of the system", why_not or "")
        return _repeat_previous(had, own_had, others, others_had, third_party, why_not or "")
    requested = PackageRequest((*others, *own), _preferred(had, moving, others_had is not None))
    if third_party.why_not is None or not others:
        found = select_packages(
            distribution, sources, requested, third_party.archives, rig.mirrors.apt
        )
        pins = LockedSystemPackages(
            found.packages, found.archives, third_party.repositories, found.unpinned
        )
    else:
        theirs = {package.name for package in had.packages if _is_third_party(package, had)}
        if others_had is not None and theirs & set(moving):
            raise index_failure(f"the index of {others[0].archive}", third_party.why_not)
        needed = tuple(_distribution_dependencies(others_had or (), others, had))
        requested = replace(requested, wanted=own, needed=needed)
        found = select_packages(distribution, sources, requested, (), rig.mirrors.apt)
        pins = _with_previous_third_party(found, others, others_had, had, third_party)
    _require_suites(had, pins, distribution)
    return pins


def _require_suites(
    had: LockedSystemPackages, pins: LockedSystemPackages, distribution: Distribution
) -> None:
    lost = {a.suite for a in had.archives} - {a.suite for a in pins.archives}
    if lost:
        what = f"the index of {distribution.name}/{min(lost)}"
        raise index_failure(what, "the lock was made from it, but no archive has it now")


def _previously_locked(
    distribution: Distribution, before: LockedMachine | None
) -> LockedSystemPackages:
    """Return the pins of a lock for this release of the distribution, and the others."""
    suites = {suite.name for suite in distribution.suites}
    if before is None or not {archive.suite for archive in before.archives} <= suites:
        return LockedSystemPackages(())
    repositories = tuple(each for each in before.repositories if each.release_sha256)
    names = {each.name for each in before.archives} | {each.name for each in repositories}
    packages = tuple(package for package in before.packages if package.archive in names)
    return LockedSystemPackages(packages, before.archives, repositories)


def _still_wanted(
    wanted: Sequence[LockedPackage], rest: Sequence[LockedPackage], had: LockedSystemPackages
) -> tuple[LockedPackage, ...] | None:
    """Return the locked packages and dependencies; None where the lock has other packages.

    The ``rest`` of the wanted packages is ignored.
    """
    from rigspec.lock.apt.packages_index import strip_packaging_revision

    apart = {DEPENDENCY, *(package.part for package in rest)}
    locked = {(p.name, p.part): p.version or "" for p in had.packages if p.part not in apart}
    requested = {(p.name, p.part): p.version for p in wanted}
    if locked.keys() != requested.keys():
        return None
    if any(
        v and strip_packaging_revision(v) != strip_packaging_revision(locked[key])
        for key, v in requested.items()
    ):
        return None
    parts = {part for _, part in locked}
    return tuple(p for p in had.packages if p.part in parts or parts & set(p.needed_by))


def _preferred(
    had: LockedSystemPackages, moving: Sequence[str], with_others: bool
) -> dict[str, str]:
    """Return the versions to prefer: third-party ones only where the same version is wanted."""
    return {
        package.name: package.version
        for package in had.packages
        if package.version is not None
        and package.name not in moving
        and (with_others or not _is_third_party(package, had))
    }


def _repeat_previous(
    had: LockedSystemPackages,
    own: Sequence[LockedPackage],
    others: Sequence[LockedPackage],
    others_had: Sequence[LockedPackage] | None,
    third_party: ThirdPartyIndexes,
    why: str,
) -> LockedSystemPackages:
    """Return the locked packages, for when the distribution's archive is unreachable."""
    if others and others_had is None:
        left = _open(others, third_party, why)
        return LockedSystemPackages(
            (*others, *own), had.archives, left.repositories, left.unpinned[1:]
        )
    stays = {package.name for package in (*own, *(others_had or ()))}
    packages = tuple(package for package in had.packages if package.name in stays)
    return LockedSystemPackages(packages, had.archives, had.repositories if others else ())


def _with_previous_third_party(
    found: PackageSelection,
    others: Sequence[LockedPackage],
    others_had: Sequence[LockedPackage] | None,
    had: LockedSystemPackages,
    third_party: ThirdPartyIndexes,
) -> LockedSystemPackages:
    """Return the selection with the locked packages of an unreachable repository."""
    if others_had is None:
        unpinned = (*found.unpinned, *_unpinned_third_party(third_party, third_party.why_not or ""))
        packages = (*others, *found.packages)
        return LockedSystemPackages(packages, found.archives, third_party.repositories, unpinned)
    names = {package.name for package in found.packages}
    stays = [package for package in others_had if package.name not in names]
    packages = _in_order((*stays, *found.packages))
    return LockedSystemPackages(packages, found.archives, had.repositories, found.unpinned)


def _distribution_dependencies(
    staying: Sequence[LockedPackage], others: Sequence[LockedPackage], had: LockedSystemPackages
) -> Iterator[LockedPackage]:
    """Return the distribution's packages that unchanged third-party packages need."""
    parts = {package.part for package in others}
    for package in staying:
        needed_by = tuple(part for part in package.needed_by if part in parts)
        if needed_by and not _is_third_party(package, had):
            yield replace(package, needed_by=needed_by)


def _is_third_party(package: LockedPackage, pins: LockedSystemPackages) -> bool:
    return any(package.archive == repository.name for repository in pins.repositories)


def _in_order(packages: Sequence[LockedPackage]) -> tuple[LockedPackage, ...]:
    """Return the packages in the order of a lock: requested ones, then dependencies by name."""
    direct = [package for package in packages if package.part != DEPENDENCY]
    needed = [package for package in packages if package.part == DEPENDENCY]
    return (*direct, *sorted(needed, key=lambda package: package.name))


def _driver(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[LockedPackage]:
    """The distribution's own packages of the driver."""
    found = find_distribution(matrix, resolution.os, resolution.arch)
    if found is None:
        return
    branch = (resolution.driver or "").partition(".")[0]
    is_open = resolution.kernel_modules == "open"
    apart = rig.container is not None and rig.container.driver == "container"
    modules = found.open_module_packages if is_open else found.module_packages
    whole = found.open_driver_packages if is_open else found.driver_packages
    for name in modules if apart else whole:
        yield LockedPackage(name.format(branch=branch), "driver")
    for name in found.library_packages if apart else ():
        yield LockedPackage(name.format(branch=branch), "driver-libraries")


def _accelerator(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[LockedPackage]:
    """The distribution's own packages of the toolkit."""
    found = find_distribution(matrix, resolution.os, resolution.arch)
    requested = rig.cuda.packages if rig.cuda is not None else None
    if requested is not None:
        for name in requested:
            yield LockedPackage(name, "cuda")
    elif found is not None and resolution.cuda is not None:
        compiler = _compiler(rig, resolution, matrix, found)
        for name in (*found.cuda_packages, *((compiler,) if compiler is not None else ())):
            yield LockedPackage(name, "cuda")


def _from_distribution(resolution: Resolution) -> bool:
    return resolution.accelerator == "gpu" and resolution.cuda_provider == "debian"


def _compiler(
    rig: Rig, resolution: Resolution, matrix: Matrix, distribution: Distribution
) -> str | None:
    series = find_host_compiler(rig, resolution, matrix)
    if series is None or distribution.compiler is None:
        return None
    return distribution.compiler.format(series=series)


def _open(
    wanted: Sequence[LockedPackage], third_party: ThirdPartyIndexes, why: str
) -> LockedSystemPackages:
    """Return unpinned packages: without the archive, dependencies are unknown."""
    unpinned = [Unpinned("packages of the system", why)]
    if any(package.archive is not None for package in wanted):
        unread = f"what they need of the distribution cannot be looked up ({why})"
        unpinned += _unpinned_third_party(third_party, third_party.why_not or unread)
    repositories = tuple(
        replace(each, released=None, release_sha256=None) for each in third_party.repositories
    )
    return LockedSystemPackages(tuple(wanted), (), repositories, tuple(unpinned))


def _unpinned_third_party(third_party: ThirdPartyIndexes, why: str) -> Iterator[Unpinned]:
    for repository in third_party.repositories:
        yield Unpinned(
            f"packages of the repository {repository.name}",
            f"versions are locked, but checksums and dependencies are not: {why}",
        )


def _why_not_lockable(
    distribution: Distribution, sources: Sources | None, mirror: str | None
) -> str | None:
    """Return why no index of the distribution can be verified here, and what to do."""
    system = f"{distribution.name} {distribution.release}"
    variable = get_variable_name(distribution)
    if sources is None and mirror is not None:
        return (
            f"`[mirrors] apt` needs a snapshot, and only a current archive states which: set one "
            f"in the environment variable {variable} and lock again"
        )
    if sources is None:
        return (
            f"no archive of {system} is known here: name one under `[mirrors] apt` or in the "
            f"environment variable {variable}, and lock again"
        )
    if not can_verify():
        return "`gpgv` is not installed, so signatures cannot be verified"
    if not find_keyrings(distribution):
        return f"the keys of {distribution.name} are not on this machine ({distribution.keyring})"
    failure = _find_failure(_get_index_url(distribution, sources)) if sources.is_default else None
    if failure is not None:
        return (
            f"the archive of {system} was not read, because {failure}: name a mirror under "
            f"`[mirrors] apt` or in the environment variable {variable}, and lock again"
        )
    return None


def _get_index_url(distribution: Distribution, sources: Sources) -> str:
    suite = distribution.suites[0]
    root = build_archive_url(sources.roots[0], suite.archive, None)
    return f"{root}/dists/{suite.name}/InRelease"


@cache
def _find_failure(address: str) -> str | None:
    """Return why a server does not have a file; machines of one rig ask once."""
    try:
        require_answer(address)
    except RepositoryUnavailable as error:
        return str(error)
    return None
