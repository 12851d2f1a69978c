"""The packages of the system, chosen from verified indexes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rigspec.lock.apt.distribution import Distribution
from rigspec.lock.apt.sources import Sources
from rigspec.lock.errors import no_packages, untrusted_index
from rigspec.lock.model import LockedArchive, LockedPackage, Unpinned
from rigspec.spec.models.mirrors import has_snapshots

if TYPE_CHECKING:
    from rigspec.lock.apt.archive import Archive
    from rigspec.lock.apt.dependency_resolver import Choice, ThirdPartyRepositories
    from rigspec.lock.apt.packages_index import PackageList

__all__ = ["DEPENDENCY", "PackageRequest", "PackageSelection", "select_packages"]

# The part of what nobody asked for by name.
DEPENDENCY = "dependency"


@dataclass(frozen=True)
class PackageRequest:
    """What is ``wanted``: of the distribution, or of a repository beside it where a package has an
    archive. What is ``kept``, a version by name, stays where it can. ``needed`` are packages of the
    distribution that something needs which is locked already.
    """

    wanted: tuple[LockedPackage, ...]
    kept: Mapping[str, str] = field(default_factory=dict)
    needed: tuple[LockedPackage, ...] = ()


@dataclass(frozen=True)
class PackageSelection:
    """The packages, pinned; the distribution's archives they come from; what stayed open."""

    packages: tuple[LockedPackage, ...]
    archives: tuple[LockedArchive, ...]
    unpinned: tuple[Unpinned, ...]


def select_packages(
    distribution: Distribution,
    sources: Sources,
    asked: PackageRequest,
    beside: Sequence[Archive],
    mirror: str | None,
) -> PackageSelection:
    """What is asked for and all that it needs, each at one version. Raises LockError."""
    from rigspec.lock.apt.archive import open_archives
    from rigspec.lock.apt.dependency_resolver import (
        PackageNotFound,
        UnsatisfiableDependency,
        VersionNotFound,
    )

    system = f"{distribution.name} {distribution.release}"
    archives = open_archives(distribution, sources)
    first, every = distribution.components[:1], distribution.components
    try:
        try:
            chosen, used = _chosen(distribution, archives, first, asked, beside)
        except (PackageNotFound, UnsatisfiableDependency):
            # Something stands in another component only.
            chosen, used = _chosen(distribution, archives, every, asked, beside)
    except PackageNotFound as error:
        do = "look at the name's spelling, or take it out of the spec"
        if error.instead:
            do = f"it is only provided, by {', '.join(error.instead[:8])}: name one of these"
        raise no_packages(system, f"there is no package `{error.name}`", do) from None
    except VersionNotFound as error:
        do = f"there is {', '.join(error.there[:8])}: let the spec ask for one of these"
        raise no_packages(system, f"its repository has no {error}", do) from None
    except UnsatisfiableDependency as error:
        raise no_packages(system, str(error), f"leave `{error.of}` or the other one out") from None
    locked = [archive.locked for archive in used]
    moment, unpinned = _snapshot(distribution, sources, mirror, locked)
    had = {archive.suite for archive in locked}
    unpinned += tuple(
        Unpinned(f"updates from {suite.name}", "no archive that is configured here has this suite")
        for suite in distribution.suites
        if suite.name not in had
    )
    archives_then = tuple(replace(archive, snapshot=moment) for archive in locked)
    return PackageSelection(tuple(_packages(asked, chosen)), archives_then, unpinned)


def _snapshot(
    distribution: Distribution,
    sources: Sources,
    mirror: str | None,
    locked: Sequence[LockedArchive],
) -> tuple[str | None, tuple[Unpinned, ...]]:
    """The moment of which snapshots have what is locked, and what stays open without one."""
    from rigspec.lock.apt.snapshots import snapshot_in, snapshot_of

    since = distribution.snapshots_since
    if sources.snapshot is not None:
        return sources.snapshot, ()
    if mirror is None or not has_snapshots(mirror):
        return snapshot_of(locked, since), ()
    found = snapshot_in(mirror, locked, since)
    if found is not None:
        return found, ()
    why = "`[mirrors] apt` does not have the archive's present state yet: lock again in a day"
    return None, (Unpinned("the snapshot of the archive", why),)


def _chosen(
    distribution: Distribution,
    archives: Sequence[Archive],
    components: Sequence[str],
    asked: PackageRequest,
    beside: Sequence[Archive],
) -> tuple[Mapping[str, Choice], tuple[Archive, ...]]:
    """The choice among some components, and the archives with those of them that each has."""
    from concurrent.futures import ThreadPoolExecutor

    from rigspec.lock.apt.dependency_resolver import base_system, resolve_closure
    from rigspec.lock.apt.packages_index import AptIndex, PackageList

    places = [(archive, component) for archive in archives for component in components]
    with ThreadPoolExecutor(max_workers=4) as pool:
        texts = list(pool.map(lambda p: p[0].packages(p[1], distribution.architecture), places))
    lists = [
        (archive, component, PackageList(archive.locked.name, text, distribution.avoided))
        for (archive, component), text in zip(places, texts, strict=True)
        if text is not None
    ]
    release = [each for archive, _, each in lists if archive is archives[0]]
    others = [_beside(archive, distribution.architecture) for archive in beside]
    index = AptIndex([*(each for _, _, each in lists), *others])
    own = [package for package in asked.wanted if package.archive is None]
    names = sorted({package.name for package in (*own, *asked.needed)})
    chosen = resolve_closure(
        index, names, base_system(release), asked.kept, _beside_it(asked, beside)
    )
    used = []
    for archive in archives:
        had = tuple(component for a, component, _ in lists if a is archive)
        used.append(replace(archive, locked=replace(archive.locked, components=had)))
    return chosen, tuple(used)


def _beside(archive: Archive, architecture: str) -> PackageList:
    from rigspec.lock.apt.packages_index import PackageList

    text = archive.packages("", architecture)
    if text is None:
        what = f"the index of the repository {archive.locked.name}"
        raise untrusted_index(what, "it vouches for no list of packages")
    return PackageList(archive.locked.name, text, architecture=architecture)


def _beside_it(asked: PackageRequest, beside: Sequence[Archive]) -> ThirdPartyRepositories:
    from rigspec.lock.apt.dependency_resolver import ThirdPartyRepositories

    wanted = {p.name: p.version for p in asked.wanted if p.archive is not None}
    return ThirdPartyRepositories(frozenset(archive.locked.name for archive in beside), wanted)


def _packages(asked: PackageRequest, chosen: Mapping[str, Choice]) -> Iterator[LockedPackage]:
    """The wanted packages in their order, and then what they need."""
    wanted, parts = asked.wanted, dict[str, set[str]]()
    for package in wanted:
        parts.setdefault(package.part, set()).add(package.name)
    needed_by: dict[str, set[str]] = {}
    for part, names in parts.items():
        for name in _reached(names, chosen) - names:
            needed_by.setdefault(name, set()).add(part)
    for package in asked.needed:
        for name in _reached([package.name], chosen):
            needed_by.setdefault(name, set()).update(package.needed_by)
    for package in wanted:
        others = needed_by.get(package.name, set()) - {package.part}
        yield _locked(package.name, package.part, chosen, others)
    direct = {package.name for package in wanted}
    for name in sorted(chosen.keys() - direct):
        yield _locked(name, DEPENDENCY, chosen, needed_by.get(name, parts.keys()))


def _reached(names: Iterable[str], chosen: Mapping[str, Choice]) -> set[str]:
    found: set[str] = set()
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead.extend(chosen[name].needs)
    return found


def _locked(
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
