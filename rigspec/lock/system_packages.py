"""The packages of the system: which ones a rig needs, and each at one version of the archive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rigspec.lock.apt.distribution import Distribution, distribution_of
from rigspec.lock.apt.signature import can_verify
from rigspec.lock.apt.sources import Sources, sources_of, variable_of
from rigspec.lock.failures import index_failure, no_packages
from rigspec.lock.model import LockedArchive, LockedEnv, LockedMachine, LockedPackage, Unpinned
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.spec.mirrors import has_snapshots
from rigspec.spec.model import Rig

if TYPE_CHECKING:
    from rigspec.lock.apt.archive import Archive
    from rigspec.lock.apt.closure import Choice

__all__ = ["SystemPins", "pinned_packages", "wanted_packages"]

# What fetches and checks the files of the lock.
_DEPENDENCY = "dependency"
_FETCH_TOOLS = ("bzip2", "ca-certificates", "curl", "gnupg")


@dataclass(frozen=True)
class SystemPins:
    """The packages, pinned or not; the archives they come from; what stayed open, and why."""

    packages: tuple[LockedPackage, ...]
    archives: tuple[LockedArchive, ...] = ()
    unpinned: tuple[Unpinned, ...] = ()


def wanted_packages(
    rig: Rig,
    resolution: Resolution,
    matrix: Matrix,
    envs: Iterable[LockedEnv],
    *,
    fetches: bool,
) -> Iterator[LockedPackage]:
    """What the rig asks of the distribution itself, without versions."""
    for name in sorted(set(rig.system.packages) if rig.system is not None else ()):
        yield LockedPackage(name, "system")
    for name in _FETCH_TOOLS if fetches else ():
        yield LockedPackage(name, "fetch")
    if rig.cuda is not None and rig.cuda.provider == "debian" and resolution.accelerator == "gpu":
        yield from _accelerator(rig, resolution, matrix)
    for name in sorted({name for env in envs for name in env.interpreter.packages}):
        yield LockedPackage(name, "interpreter")


def pinned_packages(
    rig: Rig,
    resolution: Resolution,
    matrix: Matrix,
    wanted: Sequence[LockedPackage],
    before: LockedMachine | None = None,
    moving: Sequence[str] = (),
) -> SystemPins:
    """The wanted packages and all they need, at the newest versions that a signed index has.

    What ``before`` pins stays, but for what is ``moving``. Raises LockFailure where an index that
    is configured fails; where none is, or none can be verified, what is not pinned stays so.
    """
    if not wanted:
        return SystemPins(())
    distribution = distribution_of(matrix, resolution.os, resolution.arch)
    if distribution is None:
        why = "the matrix names no signed archive of this system; the machine's own sources decide"
        return _open(wanted, why)
    had = _had(distribution, before)
    moves = any(package.name in moving for package in had.packages)
    snapshot = next((a.snapshot for a in had.archives if a.snapshot and not moves), None)
    sources = sources_of(distribution, rig.mirrors.apt, snapshot)
    why_not = _obstacle(distribution, sources, rig.mirrors.apt)
    if sources is None or why_not is not None:
        asked = {package.name: package.part for package in wanted}
        direct = {p.name: p.part for p in had.packages if p.part != _DEPENDENCY}
        if asked != direct:
            return _open(wanted, why_not or "")
        if moves:
            raise index_failure("the packages of the system", why_not or "")
        return had
    kept = {p.name: p.version for p in had.packages if p.version and p.name not in moving}
    pins = _pinned(distribution, sources, wanted, kept, rig.mirrors.apt)
    lost = {a.suite for a in had.archives} - {a.suite for a in pins.archives}
    if lost:
        what = f"the index of {distribution.name}/{min(lost)}"
        raise index_failure(what, "the lock was made from it, and no archive has it any more")
    return pins


def _had(distribution: Distribution, before: LockedMachine | None) -> SystemPins:
    """What a lock has pinned from the very release of the distribution."""
    suites = {suite.name for suite in distribution.suites}
    if before is None or not {archive.suite for archive in before.archives} <= suites:
        return SystemPins(())
    names = {archive.name for archive in before.archives}
    packages = tuple(package for package in before.packages if package.archive in names)
    return SystemPins(packages, before.archives)


def _accelerator(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[LockedPackage]:
    """The distribution's own packages of the driver and the toolkit."""
    found = distribution_of(matrix, resolution.os, resolution.arch)
    if found is not None and resolution.driver is not None:
        for name in found.driver_packages:
            yield LockedPackage(name, "driver")
    asked = rig.cuda.packages if rig.cuda is not None else None
    if asked is not None:
        for name in asked:
            yield LockedPackage(name, "cuda")
    elif found is not None and resolution.cuda is not None:
        for name in found.cuda_packages:
            yield LockedPackage(name, "cuda")


def _open(wanted: Sequence[LockedPackage], why: str) -> SystemPins:
    return SystemPins(tuple(wanted), (), (Unpinned("packages of the system", why),))


def _obstacle(
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


def _pinned(
    distribution: Distribution,
    sources: Sources,
    wanted: Sequence[LockedPackage],
    kept: Mapping[str, str],
    mirror: str | None,
) -> SystemPins:
    from rigspec.lock.apt.archive import open_archives
    from rigspec.lock.apt.closure import Impossible, NoPackage

    system = f"{distribution.name} {distribution.release}"
    archives = open_archives(distribution, sources)
    names = sorted({package.name for package in wanted})
    first, every = distribution.components[:1], distribution.components
    try:
        try:
            chosen, used = _chosen(distribution, archives, first, names, kept)
        except (NoPackage, Impossible):
            # Something stands in another component only.
            chosen, used = _chosen(distribution, archives, every, names, kept)
    except NoPackage as error:
        do = "look at the name's spelling, or take it out of the spec"
        if error.instead:
            do = f"it is only provided, by {', '.join(error.instead[:8])}: name one of these"
        raise no_packages(system, f"there is no package `{error.name}`", do) from None
    except Impossible as error:
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
    return SystemPins(tuple(_packages(wanted, chosen)), archives_then, unpinned)


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
    names: Sequence[str],
    kept: Mapping[str, str],
) -> tuple[Mapping[str, Choice], tuple[Archive, ...]]:
    """The choice among some components, and the archives with those of them that each has."""
    from concurrent.futures import ThreadPoolExecutor

    from rigspec.lock.apt.closure import base_system, closure
    from rigspec.lock.apt.index import PackageIndex, PackageList

    places = [(archive, component) for archive in archives for component in components]
    with ThreadPoolExecutor(max_workers=4) as pool:
        texts = list(pool.map(lambda p: p[0].packages(p[1], distribution.architecture), places))
    lists = [
        (archive, component, PackageList(archive.locked.name, text, distribution.avoided))
        for (archive, component), text in zip(places, texts, strict=True)
        if text is not None
    ]
    release = [each for archive, _, each in lists if archive is archives[0]]
    index = PackageIndex([each for _, _, each in lists])
    chosen = closure(index, names, base_system(release), kept)
    used = []
    for archive in archives:
        had = tuple(component for a, component, _ in lists if a is archive)
        used.append(replace(archive, locked=replace(archive.locked, components=had)))
    return chosen, tuple(used)


def _packages(
    wanted: Sequence[LockedPackage], chosen: Mapping[str, Choice]
) -> Iterator[LockedPackage]:
    """The wanted packages in their order, and then what they need."""
    parts: dict[str, set[str]] = {}
    for package in wanted:
        parts.setdefault(package.part, set()).add(package.name)
    needed_by: dict[str, set[str]] = {}
    for part, names in parts.items():
        for name in _reached(names, chosen) - names:
            needed_by.setdefault(name, set()).add(part)
    for package in wanted:
        others = needed_by.get(package.name, set()) - {package.part}
        yield _locked(package.name, package.part, chosen, others)
    direct = {package.name for package in wanted}
    for name in sorted(chosen.keys() - direct):
        yield _locked(name, _DEPENDENCY, chosen, needed_by.get(name, parts.keys()))


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
