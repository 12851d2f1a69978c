"""Packages of the system, selected from verified indexes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rigspec.lock.apt.distribution import Distribution
from rigspec.lock.apt.sources import Sources
from rigspec.lock.errors import report_no_packages, report_untrusted_index
from rigspec.lock.model import LockedArchive, LockedPackage, Unpinned
from rigspec.spec.mirror_urls import has_snapshots

if TYPE_CHECKING:
    from rigspec.lock.apt.archive import Archive
    from rigspec.lock.apt.dependency_resolver import Choice, ThirdPartyRepositories
    from rigspec.lock.apt.packages_index import PackageList

__all__ = ["DEPENDENCY", "PackageRequest", "PackageSelection", "select_packages"]

# The part of packages that nothing requests by name.
DEPENDENCY = "dependency"


@dataclass(frozen=True)
class PackageRequest:
    """The ``wanted`` packages: of the distribution, or of a third-party one where a package has an
    archive. Versions in ``preferred``, by name, are preferred. ``needed`` are packages of the
    distribution that already locked packages need.
    """

    wanted: tuple[LockedPackage, ...]
    preferred: Mapping[str, str] = field(default_factory=dict)
    needed: tuple[LockedPackage, ...] = ()


@dataclass(frozen=True)
class PackageSelection:
    """The pinned packages, the distribution's archives they come from, and the unpinned items."""

    packages: tuple[LockedPackage, ...]
    archives: tuple[LockedArchive, ...]
    unpinned: tuple[Unpinned, ...]


def select_packages(
    distribution: Distribution,
    sources: Sources,
    requested: PackageRequest,
    third_party: Sequence[Archive],
    mirror: str | None,
) -> PackageSelection:
    """Return the requested packages and their dependencies, pinned. Raises LockError."""
    from rigspec.lock.apt.archive import open_archives
    from rigspec.lock.apt.dependency_resolver import (
        PackageNotFound,
        UnsatisfiableDependency,
        VersionNotFound,
    )

    system = f"{distribution.name} {distribution.release}"
    archives = open_archives(distribution, sources)
    first, every = distribution.components[:1], distribution.components
    lists = _PackageLists(distribution, archives, third_party)
    try:
        try:
            chosen, used = _choose(lists, first, requested)
        except (PackageNotFound, UnsatisfiableDependency):
            # Something is in another component only.
            chosen, used = _choose(lists, every, requested)
    except PackageNotFound as error:
        do = "look at the name's spelling, or take it out of the spec"
        if error.instead:
            do = f"it is only provided, by {', '.join(error.instead[:8])}: name one of these"
        raise report_no_packages(system, f"no package `{error.name}`", do) from None
    except VersionNotFound as error:
        do = f"there is {', '.join(error.there[:8])}: let the spec ask for one of these"
        raise report_no_packages(system, f"its repository has no {error}", do) from None
    except UnsatisfiableDependency as error:
        raise report_no_packages(
            system, str(error), f"remove `{error.of}` or the other one"
        ) from None
    locked = [archive.locked for archive in used]
    moment, unpinned = _snapshot(distribution, sources, mirror, locked)
    had = {archive.suite for archive in locked}
    unpinned += tuple(
        Unpinned(f"updates from {suite.name}", "no archive that is configured here has this suite")
        for suite in distribution.suites
        if suite.name not in had
    )
    archives_then = tuple(replace(archive, snapshot=moment) for archive in locked)
    return PackageSelection(tuple(_packages(requested, chosen)), archives_then, unpinned)


def _snapshot(
    distribution: Distribution,
    sources: Sources,
    mirror: str | None,
    locked: Sequence[LockedArchive],
) -> tuple[str | None, tuple[Unpinned, ...]]:
    """Return the moment of a snapshot of the locked packages, and the items open without it."""
    from rigspec.lock.apt.snapshots import find_snapshot, find_snapshot_in

    since = distribution.snapshots_since
    if sources.snapshot is not None:
        return sources.snapshot, ()
    if mirror is None or not has_snapshots(mirror):
        return find_snapshot(locked, since), ()
    found = find_snapshot_in(mirror, locked, since)
    if found is not None:
        return found, ()
    why = "`[mirrors] apt` does not have the archive's current state yet; lock again in a day"
    return None, (Unpinned("the snapshot of the archive", why),)


class _PackageLists:
    """The package lists of the distribution's and other archives, each read once."""

    def __init__(
        self,
        distribution: Distribution,
        archives: Sequence[Archive],
        third_party: Sequence[Archive],
    ) -> None:
        self.archives = archives
        self.third_party = third_party
        self._distribution = distribution
        self._others: tuple[PackageList, ...] | None = None
        self._read: dict[tuple[str, str], PackageList | None] = {}

    def of(self, components: Sequence[str]) -> Mapping[tuple[int, str], PackageList]:
        """Return the lists that there are, by the number of the archive and the component."""
        from concurrent.futures import ThreadPoolExecutor

        places = [(n, component) for n in range(len(self.archives)) for component in components]
        with ThreadPoolExecutor(max_workers=4) as pool:
            lists = zip(places, pool.map(lambda place: self._list(*place), places), strict=True)
            return {place: each for place, each in lists if each is not None}

    def others(self) -> tuple[PackageList, ...]:
        """Return the lists of archives of other parties."""
        if self._others is None:
            architecture = self._distribution.architecture
            self._others = tuple(_read_third_party(a, architecture) for a in self.third_party)
        return self._others

    def _list(self, number: int, component: str) -> PackageList | None:
        from rigspec.lock.apt.packages_index import PackageList

        archive = self.archives[number]
        key = (archive.folder, component)
        if key not in self._read:
            text = archive.packages(component, self._distribution.architecture)
            name, avoided = archive.locked.name, self._distribution.avoided
            self._read[key] = None if text is None else PackageList(name, text, avoided)
        return self._read[key]


def _choose(
    lists: _PackageLists, components: Sequence[str], requested: PackageRequest
) -> tuple[Mapping[str, Choice], tuple[Archive, ...]]:
    """Return the choice from some components, and the archives with the components they have."""
    from rigspec.lock.apt.dependency_resolver import find_base_system, resolve_closure
    from rigspec.lock.apt.packages_index import AptIndex

    found = lists.of(components)
    release = [each for (number, _), each in found.items() if number == 0]
    index = AptIndex([*found.values(), *lists.others()])
    own = [package for package in requested.wanted if package.archive is None]
    names = sorted({package.name for package in (*own, *requested.needed)})
    chosen = resolve_closure(
        index,
        names,
        find_base_system(release),
        requested.preferred,
        _wanted_third_party(requested, lists.third_party),
    )
    used = []
    for number, archive in enumerate(lists.archives):
        had = tuple(component for n, component in found if n == number)
        used.append(replace(archive, locked=replace(archive.locked, components=had)))
    return chosen, tuple(used)


def _read_third_party(archive: Archive, architecture: str) -> PackageList:
    from rigspec.lock.apt.packages_index import PackageList

    text = archive.packages("", architecture)
    if text is None:
        what = f"the index of the repository {archive.locked.name}"
        raise report_untrusted_index(what, "it has no package list")
    return PackageList(archive.locked.name, text, architecture=architecture)


def _wanted_third_party(
    requested: PackageRequest, third_party: Sequence[Archive]
) -> ThirdPartyRepositories:
    from rigspec.lock.apt.dependency_resolver import ThirdPartyRepositories

    wanted = {p.name: p.version for p in requested.wanted if p.archive is not None}
    return ThirdPartyRepositories(frozenset(archive.locked.name for archive in third_party), wanted)


def _packages(requested: PackageRequest, chosen: Mapping[str, Choice]) -> Iterator[LockedPackage]:
    """Return the wanted packages in their order, then their dependencies."""
    wanted, parts = requested.wanted, dict[str, set[str]]()
    for package in wanted:
        parts.setdefault(package.part, set()).add(package.name)
    needed_by: dict[str, set[str]] = {}
    for part, names in parts.items():
        for name in _reached(names, chosen) - names:
            needed_by.setdefault(name, set()).add(part)
    for package in requested.needed:
        for name in _reached([package.name], chosen):
            needed_by.setdefault(name, set()).update(package.needed_by)
    for package in wanted:
        others = needed_by.get(package.name, set()) - {package.part}
        yield _build_package(package.name, package.part, chosen, others)
    direct = {package.name for package in wanted}
    for name in sorted(chosen.keys() - direct):
        yield _build_package(name, DEPENDENCY, chosen, needed_by.get(name, parts.keys()))


def _reached(names: Iterable[str], chosen: Mapping[str, Choice]) -> set[str]:
    found: set[str] = set()
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead.extend(chosen[name].needs)
    return found


def _build_package(
    name: str, part: str, chosen: Mapping[str, Choice], needed_by: Iterable[str]
) -> LockedPackage:
    offer = chosen[name].offer
    return LockedPackage(
        name=name,
        part=part,
        version=offer.version,
        sha256=offer.sha256,
        size=offer.size,
        path=offer.path,
        archive=offer.archive,
        needed_by=tuple(sorted(needed_by)),
    )
