"""The packages of the system: which ones a rig needs, and each at one version of the archive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rigspec.lock.apt.distribution import Distribution, distribution_of
from rigspec.lock.apt.gpg import can_verify
from rigspec.lock.apt.selection import DEPENDENCY, PackageRequest, PackageSelection, select_packages
from rigspec.lock.apt.sources import Sources, sources_of, variable_of
from rigspec.lock.apt.third_party import ThirdPartyIndexes, ThirdPartyRepositoryCache
from rigspec.lock.errors import index_failure
from rigspec.lock.host_compiler import host_compiler
from rigspec.lock.model import (
    LockedArchive,
    LockedEnv,
    LockedMachine,
    LockedPackage,
    LockedRepository,
    LockedToolkit,
    Unpinned,
)
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.spec.models.rig import Rig

__all__ = ["LockedSystemPackages", "lock_system_packages", "requested_packages", "toolkit_of"]

# What fetches and checks the files of the lock, and what unpacks them, by the end of their name.
_FETCH_TOOLS = ("bzip2", "ca-certificates", "curl", "gnupg")
_UNPACKERS = {".xz": "xz-utils"}


@dataclass(frozen=True)
class LockedSystemPackages:
    """The packages, pinned or not; the archives and repositories they come from; what stayed open,
    and why.
    """

    packages: tuple[LockedPackage, ...]
    archives: tuple[LockedArchive, ...] = ()
    repositories: tuple[LockedRepository, ...] = ()
    unpinned: tuple[Unpinned, ...] = ()


def requested_packages(
    rig: Rig,
    resolution: Resolution,
    matrix: Matrix,
    envs: Iterable[LockedEnv],
    *,
    fetched: Sequence[str],
) -> Iterator[LockedPackage]:
    """What the rig asks of the distribution itself, without versions.

    ``fetched`` are the names of what is downloaded beside its packages.
    """
    for name in sorted(set(rig.system.packages) if rig.system is not None else ()):
        yield LockedPackage(name, "system")
    unpackers = {tool for end, tool in _UNPACKERS.items() if any(f.endswith(end) for f in fetched)}
    for name in (*_FETCH_TOOLS, *sorted(unpackers)) if fetched else ():
        yield LockedPackage(name, "fetch")
    if resolution.driver is not None and resolution.driver_source == "distribution":
        yield from _driver(rig, resolution, matrix)
    if _from_distribution(rig, resolution):
        yield from _accelerator(rig, resolution, matrix)
    for name in sorted({name for env in envs for name in env.interpreter.packages}):
        yield LockedPackage(name, "interpreter")


def toolkit_of(rig: Rig, resolution: Resolution, matrix: Matrix) -> LockedToolkit | None:
    """Where the distribution's own toolkit stands, and the compiler locked for it; None where the
    toolkit comes from somebody else.
    """
    found = distribution_of(matrix, resolution.os, resolution.arch)
    if found is None or resolution.cuda is None or not _from_distribution(rig, resolution):
        return None
    if found.cuda_home is None or found.nvcc is None:
        return None
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
    """The wanted packages and all they need, at the newest versions that signed indexes have.

    What is wanted of ``repositories`` beside the distribution's archive has the name of one. What
    ``before`` pins stays, but for what is ``moving``. Raises LockError where an index that is
    configured fails; where none is, or none can be verified, what is not pinned stays so.
    """
    if not wanted:
        return LockedSystemPackages((), repositories=tuple(repositories))
    distribution = distribution_of(matrix, resolution.os, resolution.arch)
    if distribution is None:
        why = "the matrix names no signed archive of this system; the machine's own sources decide"
        return _open(wanted, ThirdPartyIndexes(tuple(repositories), why_not=why), why)
    beside = indexes.of(repositories)
    own = tuple(package for package in wanted if package.archive is None)
    others = tuple(package for package in wanted if package.archive is not None)
    had = _previously_locked(distribution, before)
    moves = any(package.name in moving for package in had.packages)
    snapshot = next((a.snapshot for a in had.archives if a.snapshot and not moves), None)
    sources = sources_of(distribution, rig.mirrors.apt, snapshot)
    why_not = _why_not_lockable(distribution, sources, rig.mirrors.apt)
    own_had, others_had = _still_wanted(own, others, had), _still_wanted(others, own, had)
    if sources is None or why_not is not None:
        if own_had is None:
            return _open(wanted, beside, why_not or "")
        if moves:
            raise index_failure("the packages of the system", why_not or "")
        return _as_before(had, own_had, others, others_had, beside, why_not or "")
    asked = PackageRequest((*others, *own), _kept(had, moving, others_had is not None))
    if beside.why_not is None or not others:
        found = select_packages(distribution, sources, asked, beside.archives, rig.mirrors.apt)
        pins = LockedSystemPackages(
            found.packages, found.archives, beside.repositories, found.unpinned
        )
    else:
        theirs = {package.name for package in had.packages if _is_beside(package, had)}
        if others_had is not None and theirs & set(moving):
            raise index_failure(f"the index of {others[0].archive}", beside.why_not)
        needed = tuple(_needed(others_had or (), others, had))
        asked = replace(asked, wanted=own, needed=needed)
        found = select_packages(distribution, sources, asked, (), rig.mirrors.apt)
        pins = _beside_them(found, others, others_had, had, beside)
    _require_suites(had, pins, distribution)
    return pins


def _require_suites(
    had: LockedSystemPackages, pins: LockedSystemPackages, distribution: Distribution
) -> None:
    lost = {a.suite for a in had.archives} - {a.suite for a in pins.archives}
    if lost:
        what = f"the index of {distribution.name}/{min(lost)}"
        raise index_failure(what, "the lock was made from it, and no archive has it any more")


def _previously_locked(
    distribution: Distribution, before: LockedMachine | None
) -> LockedSystemPackages:
    """What a lock has pinned from the very release of the distribution, and beside it."""
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
    """What a lock has of these packages and all they need; None where it is not these that it has.

    The ``rest`` of what is wanted is not looked at.
    """
    from rigspec.lock.apt.packages_index import upstream_of

    apart = {DEPENDENCY, *(package.part for package in rest)}
    locked = {(p.name, p.part): p.version or "" for p in had.packages if p.part not in apart}
    asked = {(p.name, p.part): p.version for p in wanted}
    if locked.keys() != asked.keys():
        return None
    if any(v and upstream_of(v) != upstream_of(locked[key]) for key, v in asked.items()):
        return None
    parts = {part for _, part in locked}
    return tuple(p for p in had.packages if p.part in parts or parts & set(p.needed_by))


def _kept(had: LockedSystemPackages, moving: Sequence[str], with_others: bool) -> dict[str, str]:
    """The versions that are to stay: those of others only where the same is wanted of them."""
    return {
        package.name: package.version
        for package in had.packages
        if package.version is not None
        and package.name not in moving
        and (with_others or not _is_beside(package, had))
    }


def _as_before(
    had: LockedSystemPackages,
    own: Sequence[LockedPackage],
    others: Sequence[LockedPackage],
    others_had: Sequence[LockedPackage] | None,
    beside: ThirdPartyIndexes,
    why: str,
) -> LockedSystemPackages:
    """What a lock has, where the distribution's archive cannot be asked."""
    if others and others_had is None:
        left = _open(others, beside, why)
        return LockedSystemPackages(
            (*others, *own), had.archives, left.repositories, left.unpinned[1:]
        )
    stays = {package.name for package in (*own, *(others_had or ()))}
    packages = tuple(package for package in had.packages if package.name in stays)
    return LockedSystemPackages(packages, had.archives, had.repositories if others else ())


def _beside_them(
    found: PackageSelection,
    others: Sequence[LockedPackage],
    others_had: Sequence[LockedPackage] | None,
    had: LockedSystemPackages,
    beside: ThirdPartyIndexes,
) -> LockedSystemPackages:
    """What was found of the distribution, and of a repository that cannot be asked what it had."""
    if others_had is None:
        unpinned = (*found.unpinned, *_open_beside(beside, beside.why_not or ""))
        packages = (*others, *found.packages)
        return LockedSystemPackages(packages, found.archives, beside.repositories, unpinned)
    names = {package.name for package in found.packages}
    stays = [package for package in others_had if package.name not in names]
    packages = _in_order((*stays, *found.packages))
    return LockedSystemPackages(packages, found.archives, had.repositories, found.unpinned)


def _needed(
    staying: Sequence[LockedPackage], others: Sequence[LockedPackage], had: LockedSystemPackages
) -> Iterator[LockedPackage]:
    """The distribution's own packages that those of others need, as far as these stay."""
    parts = {package.part for package in others}
    for package in staying:
        needed_by = tuple(part for part in package.needed_by if part in parts)
        if needed_by and not _is_beside(package, had):
            yield replace(package, needed_by=needed_by)


def _is_beside(package: LockedPackage, pins: LockedSystemPackages) -> bool:
    return any(package.archive == repository.name for repository in pins.repositories)


def _in_order(packages: Sequence[LockedPackage]) -> tuple[LockedPackage, ...]:
    """As a lock lists them: first what was asked for, then what that needs, by name."""
    direct = [package for package in packages if package.part != DEPENDENCY]
    needed = [package for package in packages if package.part == DEPENDENCY]
    return (*direct, *sorted(needed, key=lambda package: package.name))


def _driver(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[LockedPackage]:
    """The distribution's own packages of the driver."""
    found = distribution_of(matrix, resolution.os, resolution.arch)
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
    found = distribution_of(matrix, resolution.os, resolution.arch)
    asked = rig.cuda.packages if rig.cuda is not None else None
    if asked is not None:
        for name in asked:
            yield LockedPackage(name, "cuda")
    elif found is not None and resolution.cuda is not None:
        compiler = _compiler(rig, resolution, matrix, found)
        for name in (*found.cuda_packages, *((compiler,) if compiler is not None else ())):
            yield LockedPackage(name, "cuda")


def _from_distribution(rig: Rig, resolution: Resolution) -> bool:
    provider = rig.cuda.provider if rig.cuda is not None else None
    return resolution.accelerator == "gpu" and provider == "debian"


def _compiler(
    rig: Rig, resolution: Resolution, matrix: Matrix, distribution: Distribution
) -> str | None:
    series = host_compiler(rig, resolution, matrix)
    if series is None or distribution.compiler is None:
        return None
    return distribution.compiler.format(series=series)


def _open(
    wanted: Sequence[LockedPackage], beside: ThirdPartyIndexes, why: str
) -> LockedSystemPackages:
    """Without the distribution's archive nothing says what the packages of others need of it."""
    unpinned = [Unpinned("packages of the system", why)]
    if any(package.archive is not None for package in wanted):
        unread = f"what they need of the distribution cannot be looked up ({why})"
        unpinned += _open_beside(beside, beside.why_not or unread)
    repositories = tuple(
        replace(each, released=None, release_sha256=None) for each in beside.repositories
    )
    return LockedSystemPackages(tuple(wanted), (), repositories, tuple(unpinned))


def _open_beside(beside: ThirdPartyIndexes, why: str) -> Iterator[Unpinned]:
    for repository in beside.repositories:
        yield Unpinned(
            f"packages of the repository {repository.name}",
            f"versions are locked, but neither a sha256 nor what they need: {why}",
        )


def _why_not_lockable(
    distribution: Distribution, sources: Sources | None, mirror: str | None
) -> str | None:
    """Why no index of the distribution can be read and verified here, and what to do."""
    system = f"{distribution.name} {distribution.release}"
    variable = variable_of(distribution)
    if sources is None and mirror is not None:
        return (
            f"`[mirrors] apt` wants a snapshot, and only a present archive tells which: name one "
            f"in the environment variable {variable} and lock again"
        )
    if sources is None:
        return (
            f"no archive of {system} is known here: name one under `[mirrors] apt` or in the "
            f"environment variable {variable}, and lock again"
        )
    if not can_verify():
        return "gpgv is not on this machine, and nothing unverified is trusted: install it"
    if not Path(distribution.keyring).is_file():
        return (
            f"the keyring of {distribution.name} is not on this machine "
            f"({distribution.keyring}): install the package {distribution.keyring_package}"
        )
    return None
