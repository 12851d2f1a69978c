"""Packages of the system that the Python packages of an environment need and cannot declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from packaging.specifiers import SpecifierSet

from rigspec.lock.artifacts import find_release
from rigspec.lock.model import LockedEnv, LockedPackage, Unpinned
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution

__all__ = [
    "COMPILERS",
    "PYTHON_HEADERS",
    "find_needed_packages",
    "find_unmet_dependencies",
    "list_dependency_packages",
]

COMPILERS = "compilers"

# A Python that is not the system's has its headers.
PYTHON_HEADERS = "python-headers"


_BUILDS = "pip compiles a package of the environment"


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


def find_needed_packages(resolution: Resolution, matrix: Matrix, need: str) -> tuple[str, ...]:
    """Return the packages of the system that meet a need; none if they are unknown."""
    system = find_release(matrix, "os", resolution.os)
    return tuple((system.get(f"{need.replace('-', '_')}_packages") or "").split())


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
    known = matrix.product("system-dependency").system_dependencies
    for env in envs:
        for need in env.build_needs:
            yield _Need(need, _BUILDS, find_needed_packages(resolution, matrix, need))
        versions = {package.name: package.version for package in env.packages}
        for dependency in known:
            applies = SpecifierSet(dependency.versions, prereleases=True)
            if any(n in versions and versions[n] in applies for n in dependency.packages):
                for need in dependency.needs:
                    if need != PYTHON_HEADERS or env.interpreter.kind == "system":
                        packages = find_needed_packages(resolution, matrix, need)
                        yield _Need(need, dependency.statement, packages)
