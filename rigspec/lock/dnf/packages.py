"""Lock the packages of a system that uses dnf: the ones a rig needs, each at one version."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from rigspec.lock.apt.packages import LockedSystemPackages
from rigspec.lock.apt.selection import DEPENDENCY
from rigspec.lock.apt.third_party import RepositoryUnavailable
from rigspec.lock.dnf.distribution import DnfDistribution
from rigspec.lock.dnf.repository import DnfIndex, open_dnf_repository
from rigspec.lock.dnf.solver import (
    ChosenPackage,
    PackageUniverse,
    RpmNotFound,
    RpmVersionNotFound,
    UnsatisfiableRequest,
    has_version,
)
from rigspec.lock.errors import index_failure, report_no_packages
from rigspec.lock.model import DNF, LockedMachine, LockedPackage, LockedRepository, Unpinned
from rigspec.spec.models.mirrors import Mirrors

__all__ = ["lock_dnf_packages"]

# The part of packages that every system may have already: they are pinned only if it may not.
_FETCH = "fetch"
# The part of packages that need the repositories of a driver as well.
_DRIVER = "driver"
_WHAT = "packages of the system"


def lock_dnf_packages(
    distribution: DnfDistribution,
    wanted: Sequence[LockedPackage],
    repositories: Sequence[LockedRepository],
    mirrors: Mirrors,
    before: LockedMachine | None = None,
    moving: Sequence[str] = (),
) -> LockedSystemPackages:
    """Return the wanted packages and their dependencies, at the newest versions.

    A package wanted from one of the third-party ``repositories`` has its name. What ``before``
    pins is unchanged where the repositories still have it, except ``moving``. If a repository that
    the user did not configure is unreachable, the packages of ``before`` are returned, or unpinned
    ones. Raises LockError.
    """
    if not wanted:
        return LockedSystemPackages(())
    needs_more = repositories and any(package.part == _DRIVER for package in wanted)
    others = (*repositories, *(distribution.driver_repositories if needs_more else ()))
    had = _find_previous(distribution, others, before)
    moves = any(package.name in moving for package in had)
    try:
        indexes = _open_indexes(distribution, mirrors)
    except RepositoryUnavailable as error:
        if moves:
            raise index_failure(f"the {_WHAT}", str(error)) from None
        return _repeat_previous(wanted, others, had, before, str(error))
    preferred = {p.name: p.version for p in had if p.version and p.name not in moving}
    try:
        indexes = (*indexes, *(open_dnf_repository(each, mirrors) for each in others))
    except RepositoryUnavailable as error:
        if moves:
            raise index_failure(f"the {_WHAT}", str(error)) from None
        if _is_locked(wanted, had):
            return _repeat_previous(wanted, others, had, before, str(error))
        return _lock_own(distribution, indexes, wanted, others, preferred, str(error))
    packages = _select_or_report(distribution, indexes, wanted, preferred)
    # All of them: what every system has may have to be newer, and is in no list.
    return LockedSystemPackages(packages, repositories=tuple(index.locked for index in indexes))


def _open_indexes(distribution: DnfDistribution, mirrors: Mirrors) -> tuple[DnfIndex, ...]:
    if not distribution.repositories:
        why = f"the repositories of {distribution.name} need a subscription; the machine's decide"
        raise RepositoryUnavailable(why)
    if find_spec("solv") is None:
        raise RepositoryUnavailable("the Python package `solv` is not installed")
    return tuple(open_dnf_repository(each, mirrors) for each in distribution.repositories)


def _find_previous(
    distribution: DnfDistribution,
    others: Sequence[LockedRepository],
    before: LockedMachine | None,
) -> tuple[LockedPackage, ...]:
    """Return the pins of an earlier lock from these repositories."""
    names = {repository.name for repository in (*distribution.repositories, *others)}
    if before is None or before.resolution.os != distribution.name:
        return ()
    return tuple(p for p in before.packages if p.archive in names and p.sha256 is not None)


def _is_locked(wanted: Sequence[LockedPackage], had: Sequence[LockedPackage]) -> bool:
    """Return whether the earlier lock has the wanted packages, at the wanted versions."""
    requested = {(p.name, p.part): p.version for p in wanted if p.part != _FETCH}
    locked = {(p.name, p.part): p.version or "" for p in had if p.part not in (DEPENDENCY, _FETCH)}
    return (
        bool(had)
        and requested.keys() == locked.keys()
        and all(not v or has_version(locked[key], v) for key, v in requested.items())
    )


def _repeat_previous(
    wanted: Sequence[LockedPackage],
    others: Sequence[LockedRepository],
    had: Sequence[LockedPackage],
    before: LockedMachine | None,
    why: str,
) -> LockedSystemPackages:
    """Return the locked packages, if they are those that are wanted; else unpinned packages."""
    if before is not None and _is_locked(wanted, had):
        repositories = tuple(each for each in before.repositories if each.manager == DNF)
        return LockedSystemPackages(tuple(had), repositories=repositories)
    unpinned = (Unpinned(_WHAT, why), *_report_unpinned(others, why))
    return LockedSystemPackages(tuple(wanted), (), tuple(others), unpinned)


def _lock_own(
    distribution: DnfDistribution,
    indexes: Sequence[DnfIndex],
    wanted: Sequence[LockedPackage],
    others: Sequence[LockedRepository],
    preferred: Mapping[str, str],
    why: str,
) -> LockedSystemPackages:
    """Return the pinned packages of the distribution, and the others unpinned."""
    own = [package for package in wanted if package.archive is None]
    packages = _select_or_report(distribution, indexes, own, preferred)
    theirs = tuple(package for package in wanted if package.archive is not None)
    repositories = (*(index.locked for index in indexes), *others)
    unpinned = tuple(_report_unpinned(others, why))
    return LockedSystemPackages((*theirs, *packages), (), repositories, unpinned)


def _report_unpinned(others: Sequence[LockedRepository], why: str) -> Iterator[Unpinned]:
    for repository in others:
        what = f"packages of the repository {repository.name}"
        reason = f"versions are locked, but checksums and dependencies are not: {why}"
        yield Unpinned(what, reason)


def _select_or_report(
    distribution: DnfDistribution,
    indexes: Sequence[DnfIndex],
    wanted: Sequence[LockedPackage],
    preferred: Mapping[str, str],
) -> tuple[LockedPackage, ...]:
    """Return the wanted packages and what they need. Raises LockError."""
    system = distribution.name
    try:
        return _select_packages(distribution, indexes, wanted, preferred)
    except RpmNotFound as error:
        do = "check the spelling of the name, or remove it from the spec"
        if error.instead:
            do = f"name one of the packages that provide it: {', '.join(error.instead[:8])}"
        raise report_no_packages(system, f"no package `{error.name}`", do) from None
    except RpmVersionNotFound as error:
        do = f"request one of the versions that it has: {', '.join(error.there[:8])}"
        raise report_no_packages(system, f"its repository has no {error}", do) from None
    except UnsatisfiableRequest as error:
        do = "remove one of the packages from the spec"
        raise report_no_packages(system, str(error), do) from None


def _select_packages(
    distribution: DnfDistribution,
    indexes: Sequence[DnfIndex],
    wanted: Sequence[LockedPackage],
    preferred: Mapping[str, str],
) -> tuple[LockedPackage, ...]:
    """Return the wanted packages and what they need.

    Only a package that needs a file of an unusual folder needs the list of all files.
    """
    for all_files in (False, True):
        universe = PackageUniverse(indexes, distribution.architecture, all_files=all_files)
        try:
            return tuple(_select(distribution, universe, wanted, preferred))
        except UnsatisfiableRequest as error:
            if all_files or " /" not in str(error):
                raise
    return ()


@dataclass(frozen=True)
class _Closures:
    """The names of the packages that each part needs, and of those that every system has."""

    parts: Mapping[str, frozenset[str]]
    base: frozenset[str]


def _select(
    distribution: DnfDistribution,
    universe: PackageUniverse,
    wanted: Sequence[LockedPackage],
    preferred: Mapping[str, str],
) -> Iterator[LockedPackage]:
    """Yield the wanted packages in their order, then their dependencies by name."""
    base = universe.choose(distribution.base, {})
    requested = [p.name for p in wanted]
    fetch = {p.name for p in wanted if p.part == _FETCH}
    names = {*distribution.base, *requested}
    versions = {p.name: p.version for p in wanted if p.version is not None}
    found = universe.choose(names, preferred, versions=versions, provided=bool(fetch))
    chosen = {p.name: p for p in found}
    small = universe.restrict(chosen.values())
    closures = _Closures(
        {
            part: frozenset(
                p.name
                for p in small.choose(
                    {*distribution.base, *(w.name for w in wanted if w.part == part)},
                    {},
                    provided=part == _FETCH,
                )
            )
            for part in {p.part for p in wanted}
        },
        frozenset(p.name for p in base),
    )
    yield from _list_packages(wanted, chosen, closures)


def _list_packages(
    wanted: Sequence[LockedPackage], chosen: Mapping[str, ChosenPackage], closures: _Closures
) -> Iterator[LockedPackage]:
    direct = set()
    for package in wanted:
        if package.name not in chosen or (package.part == _FETCH and package.name in closures.base):
            continue
        direct.add(package.name)
        needed_by = {
            part
            for part, names in closures.parts.items()
            if package.name in names
            and part != package.part
            and all((w.name, w.part) != (package.name, part) for w in wanted)
        }
        yield _build_package(chosen[package.name], package.part, needed_by)
    for name in sorted(chosen.keys() - direct - closures.base):
        needed_by = {part for part, names in closures.parts.items() if name in names}
        yield _build_package(chosen[name], DEPENDENCY, needed_by)


def _build_package(chosen: ChosenPackage, part: str, needed_by: set[str]) -> LockedPackage:
    return LockedPackage(
        name=chosen.name,
        part=part,
        version=chosen.version,
        sha256=chosen.sha256,
        size=chosen.size,
        path=chosen.path,
        archive=chosen.repository,
        needed_by=tuple(sorted(needed_by)),
        arch=chosen.arch,
    )
