"""The packages that dnf would install, chosen by libsolv, dnf's own solver."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

from rigspec.lock.dnf.repository import DnfIndex, PackageListFile, open_for_solv

__all__ = [
    "ChosenPackage",
    "PackageUniverse",
    "RpmNotFound",
    "RpmVersionNotFound",
    "UnsatisfiableRequest",
    "has_version",
]

# The architecture of packages without machine code.
_ANY = "noarch"


@dataclass(frozen=True)
class ChosenPackage:
    """A package at a version: ``EPOCH:VERSION-RELEASE``, the epoch without 0."""

    name: str
    version: str
    arch: str
    sha256: str
    size: int
    path: str
    repository: str


class RpmNotFound(Exception):
    """No repository has the package ``name``; ``instead`` are packages that provide it."""

    def __init__(self, name: str, instead: tuple[str, ...]) -> None:
        super().__init__(name)
        self.name = name
        self.instead = instead


class RpmVersionNotFound(Exception):
    """No repository has the package ``name`` at this version, but at those in ``there``."""

    def __init__(self, name: str, version: str, there: tuple[str, ...]) -> None:
        super().__init__(f"{name} {version}")
        self.there = there


class UnsatisfiableRequest(Exception):
    """The requested packages cannot be installed together; the message states why."""


class PackageUniverse:
    """The packages of some repositories, without those of module streams that are not enabled."""

    def __init__(self, indexes: Sequence[DnfIndex], arch: str, *, all_files: bool = False) -> None:
        import solv

        self._solv = solv
        self._pool = solv.Pool()
        self._pool.setdisttype(solv.Pool.DISTTYPE_RPM)
        self._pool.setarch(arch)
        for index in indexes:
            repo = self._pool.add_repo(index.locked.name)
            with open_for_solv(index.primary.name, index.primary.data) as file:
                repo.add_rpmmd(file, None)
            files = index.fetch_files() if all_files else None
            if files is not None:
                with open_for_solv(files.name, files.data) as file:
                    repo.add_rpmmd(file, "FL", solv.Repo.REPO_EXTEND_SOLVABLES)
        self._pool.addfileprovides()
        self._pool.createwhatprovides()
        hidden = _list_inactive_artifacts(index.modules for index in indexes)
        unfiltered = {index.locked.name for index in indexes if index.locked.module_hotfixes}
        self._visible = [
            s
            for s in self._pool.solvables
            if s.arch in (arch, _ANY) and (s.repo.name in unfiltered or _nevra(s) not in hidden)
        ]
        self._pool.set_considered_list([s.id for s in self._visible])

    def choose(
        self,
        names: Collection[str],
        preferred: Mapping[str, str],
        *,
        versions: Mapping[str, str] | None = None,
        provided: bool = False,
    ) -> tuple[ChosenPackage, ...]:
        """Return packages and everything that they need, sorted.

        Versions in ``preferred``, by name, are taken if they are still there; those in
        ``versions`` are required. With ``provided``, a name may also be what a package provides.

        Raises:
            RpmNotFound: No package has the name.
            RpmVersionNotFound: No package of the name has the version.
            UnsatisfiableRequest: The packages conflict, or need what no repository has.
        """
        required = versions or {}
        jobs = [
            job
            for name in sorted(names)
            for job in (
                self._install_version(name, required[name])
                if name in required
                else self._install(name, provided)
            )
        ]
        return tuple(sorted(self._solve(jobs, preferred), key=lambda p: p.name))

    def restrict(self, packages: Iterable[ChosenPackage]) -> PackageUniverse:
        """Return the same universe with these packages only; this one is used up."""
        kept = {(p.name, p.version, p.arch) for p in packages}
        self._visible = [s for s in self._visible if (s.name, s.evr, s.arch) in kept]
        self._pool.set_considered_list([s.id for s in self._visible])
        return self

    def _solve(self, jobs: list[Any], preferred: Mapping[str, str]) -> Iterator[ChosenPackage]:
        solv = self._solv
        jobs += [
            self._pool.Job(solv.Job.SOLVER_FAVOR | solv.Job.SOLVER_SOLVABLE, solvable.id)
            for solvable in self._visible
            if preferred.get(solvable.name) == solvable.evr
        ]
        solver = self._pool.Solver()
        solver.set_flag(solv.Solver.SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
        problems = solver.solve(jobs)
        if problems:
            raise UnsatisfiableRequest("; ".join(dict.fromkeys(map(str, problems))))
        for solvable in solver.transaction().newsolvables():
            yield _describe(solvable)

    def _install(self, name: str, provided: bool) -> Sequence[Any]:
        solv = self._solv
        found = self._pool.select(name, solv.Selection.SELECTION_NAME)
        providers = self._pool.select(name, solv.Selection.SELECTION_PROVIDES)
        if found.isempty() and provided:
            found = providers
        if found.isempty():
            instead = sorted({solvable.name for solvable in providers.solvables()})
            raise RpmNotFound(name, tuple(instead))
        jobs: Sequence[Any] = found.jobs(solv.Job.SOLVER_INSTALL)
        return jobs

    def _install_version(self, name: str, version: str) -> Sequence[Any]:
        """Return the job for the newest build of a version."""
        solv = self._solv
        known = [solvable for solvable in self._visible if solvable.name == name]
        if not known:
            raise RpmNotFound(name, ())
        known.sort(key=cmp_to_key(_compare), reverse=True)
        for solvable in known:
            if has_version(solvable.evr, version):
                flags = solv.Job.SOLVER_INSTALL | solv.Job.SOLVER_SOLVABLE
                return [self._pool.Job(flags, solvable.id)]
        raise RpmVersionNotFound(name, version, tuple(dict.fromkeys(s.evr for s in known)))


def _compare(left: Any, right: Any) -> int:
    return int(left.evrcmp(right))


def has_version(evr: str, version: str) -> bool:
    """Return whether ``EPOCH:VERSION-RELEASE`` is a version, given with or without its release."""
    plain = evr.rpartition(":")[2]
    return version in (plain, plain.rpartition("-")[0])


def _describe(solvable: Any) -> ChosenPackage:
    import solv

    checksum = solvable.lookup_checksum(solv.SOLVABLE_CHECKSUM)
    strong = checksum is not None and checksum.typestr() == "sha256"
    if not strong:
        raise UnsatisfiableRequest(
            f"{solvable.name} {solvable.evr} has no sha256 in its repository"
        )
    path, _ = solvable.lookup_location()
    return ChosenPackage(
        name=solvable.name,
        version=solvable.evr,
        arch=solvable.arch,
        sha256=checksum.hex(),
        size=solvable.lookup_num(solv.SOLVABLE_DOWNLOADSIZE),
        path=path,
        repository=solvable.repo.name,
    )


def _nevra(solvable: Any) -> str:
    """Return a package as lists of modules write it, with its epoch."""
    evr = solvable.evr if ":" in solvable.evr else f"0:{solvable.evr}"
    return f"{solvable.name}-{evr}.{solvable.arch}"


def _list_inactive_artifacts(lists: Iterable[PackageListFile | None]) -> frozenset[str]:
    """Return the packages of module streams that are not the default of their module.

    dnf hides these packages, too, unless somebody enables their stream.
    """
    streams: dict[tuple[str, str], set[str]] = {}
    defaults = set()
    for document in (each for found in lists if found is not None for each in _read_modules(found)):
        data = document.get("data") or {}
        if document.get("document") == "modulemd-defaults":
            defaults.add((str(data.get("module")), str(data.get("stream"))))
        elif document.get("document") == "modulemd":
            names = (data.get("artifacts") or {}).get("rpms") or ()
            key = str(data.get("name")), str(data.get("stream"))
            streams.setdefault(key, set()).update(names)
    active = {name for key, names in streams.items() if key in defaults for name in names}
    return frozenset({name for names in streams.values() for name in names} - active)


def _read_modules(found: PackageListFile) -> Iterator[dict[str, Any]]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    for document in yaml.load_all(found.decompress(), loader):
        if isinstance(document, dict):
            yield document
