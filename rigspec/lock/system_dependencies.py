"""Packages of the system that the Python packages of an environment need and cannot declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from rigspec.lock.artifacts import find_release
from rigspec.lock.model import LockedEnv, LockedPackage, Unpinned
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution

__all__ = ["find_unmet_dependencies", "list_dependency_packages"]

# A Python that is not the system's has its headers.
_HEADERS = "python-headers"


@dataclass(frozen=True)
class _Need:
    """A need of a Python package, and the packages that meet it: none if they are unknown."""

    name: str
    reason: str
    packages: tuple[str, ...]


def list_dependency_packages(
    resolution: Resolution, matrix: Matrix, envs: Iterable[LockedEnv]
) -> Iterator[LockedPackage]:
    """Yield the packages of the system, sorted, without versions."""
    needs = _find_needs(resolution, matrix, envs)
    for name in sorted({name for need in needs for name in need.packages}):
        yield LockedPackage(name, "library")


def find_unmet_dependencies(
    resolution: Resolution, matrix: Matrix, envs: Iterable[LockedEnv]
) -> Iterator[Unpinned]:
    """Yield what the environments need on a system of which the package names are not known."""
    unmet = {n.name: n for n in _find_needs(resolution, matrix, envs) if not n.packages}
    for need in unmet.values():
        name = need.name.replace("-", " ")
        yield Unpinned(name, f"{need.reason}: install it on {resolution.os} by hand")


def _find_needs(
    resolution: Resolution, matrix: Matrix, envs: Iterable[LockedEnv]
) -> Iterator[_Need]:
    system = find_release(matrix, "os", resolution.os)
    known = matrix.product("system-dependency").system_dependencies
    for env in envs:
        versions = {package.name: package.version for package in env.packages}
        for dependency in known:
            applies = SpecifierSet(dependency.versions, prereleases=True)
            if any(n in versions and versions[n] in applies for n in dependency.packages):
                for need in dependency.needs:
                    if need != _HEADERS or env.interpreter.kind == "system":
                        named = system.get(f"{need.replace('-', '_')}_packages") or ""
                        yield _Need(need, dependency.statement, tuple(named.split()))
