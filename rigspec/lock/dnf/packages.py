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
    UnsatisfiableRequest,
)
from rigspec.lock.errors import index_failure, report_no_packages
from rigspec.lock.model import DNF, LockedMachine, LockedPackage, Unpinned

__all__ = ["lock_dnf_packages"]

# The part of packages that every system may have already: they are pinned only if it may not.
_FETCH = "fetch"
_WHAT = "packages of the system"


def lock_dnf_packages(
    distribution: DnfDistribution,
    wanted: Sequence[LockedPackage],
    mirror: str | None,
    before: LockedMachine | None = None,
    moving: Sequence[str] = (),
) -> LockedSystemPackages:
    """Return the wanted packages and their dependencies, at the newest versions.

    What ``before`` pins is unchanged where the repositories still have it, except ``moving``. If a
    repository that the user did not configure is unreachable, the packages of ``before`` are
    returned, or unpinned ones. Raises LockError.
    """
    if not wanted:
        return LockedSystemPackages(())
    had = _find_previous(distribution, before)
    try:
        indexes = _open_indexes(distribution, mirror)
    except RepositoryUnavailable as error:
        if any(package.name in moving for package in had):
            raise index_failure(f"the {_WHAT}", str(error)) from None
        return _repeat_previous(wanted, had, before, str(error))
    preferred = {p.name: p.version for p in had if p.version and p.name not in moving}
    try:
        packages = _select_packages(distribution, indexes, wanted, preferred)
    except RpmNotFound as error:
        do = "check the spelling of the name, or remove it from the spec"
        if error.instead:
            do = f"name one of the packages that provide it: {', '.join(error.instead[:8])}"
        raise report_no_packages(distribution.name, f"no package `{error.name}`", do) from None
    except UnsatisfiableRequest as error:
        do = "remove one of the packages from the spec"
        raise report_no_packages(distribution.name, str(error), do) from None
    # All of them: what every system has may have to be newer, and is in no list.
    return LockedSystemPackages(packages, repositories=tuple(index.locked for index in indexes))


def _open_indexes(distribution: DnfDistribution, mirror: str | None) -> tuple[DnfIndex, ...]:
    if find_spec("solv") is None:
        raise RepositoryUnavailable("the Python package `solv` is not installed")
    return tuple(open_dnf_repository(each, mirror) for each in distribution.repositories)


def _find_previous(
    distribution: DnfDistribution, before: LockedMachine | None
) -> tuple[LockedPackage, ...]:
    """Return the pins of an earlier lock from the repositories of this distribution."""
    names = {repository.name for repository in distribution.repositories}
    if before is None or before.resolution.os != distribution.name:
        return ()
    return tuple(package for package in before.packages if package.archive in names)


def _repeat_previous(
    wanted: Sequence[LockedPackage],
    had: Sequence[LockedPackage],
    before: LockedMachine | None,
    why: str,
) -> LockedSystemPackages:
    """Return the locked packages, if they are those that are wanted; else unpinned packages."""
    requested = {(p.name, p.part) for p in wanted if p.part != _FETCH}
    locked = {(p.name, p.part) for p in had if p.part not in (DEPENDENCY, _FETCH)}
    if had and before is not None and requested == locked:
        repositories = tuple(each for each in before.repositories if each.manager == DNF)
        return LockedSystemPackages(tuple(had), repositories=repositories)
    return LockedSystemPackages(tuple(wanted), unpinned=(Unpinned(_WHAT, why),))


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
    chosen = {p.name: p for p in universe.choose(names, preferred, provided=bool(fetch))}
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
