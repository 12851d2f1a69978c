"""Frameworks that the packages of a spec require and that the spec does not name.

`vllm` alone installs torch, so the rules about torch apply to the machine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from rigspec.frozen import dataclass
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.loader import load_matrix
from rigspec.matrix.model import Dependency, Matrix, Release
from rigspec.resolve.problem.requested_packages import (
    RequestedPackage,
    list_framework_products,
    list_package_products,
    list_requested_packages,
)
from rigspec.resolve.problem.written_versions import find_exact_version
from rigspec.spec.models.environment import Environment
from rigspec.spec.models.rig import Rig
from rigspec.version_specifiers import list_extras, parse_alternative

__all__ = [
    "RequiredFramework",
    "add_packages",
    "find_required_frameworks",
    "is_on_default_index",
    "list_dependency_products",
]


@dataclass(frozen=True)
class RequiredFramework:
    """A framework that an environment lacks, and the line whose package requires it.

    ``version`` is the version of the package, if the line is exact.
    """

    env: str
    framework: str
    package: RequestedPackage
    version: str | None

    @property
    def label(self) -> str:
        """Return the package with its version, if the line has one."""
        return f"{self.package.name} {self.version}" if self.version else self.package.name


def list_dependency_products(env: Environment) -> Iterator[str]:
    """Yield the frameworks that packages of an environment may require."""
    for product in load_matrix(list_package_products(env)).products:
        yield from (dependency.framework for dependency in product.dependencies)


def find_required_frameworks(rig: Rig, matrix: Matrix) -> Iterator[RequiredFramework]:
    """Yield each framework that packages require and that their environment does not name.

    Packages of conda depend on conda's own frameworks.
    """
    for name, env in sorted(rig.env.items()):
        found = set(list_framework_products(env))
        for package in list_requested_packages(env) if env.manager != "conda" else ():
            version = find_exact_version(parse_alternative(package.request))
            for dependency in _list_dependencies(package, matrix):
                if dependency.framework not in found and _applies(dependency, version):
                    found.add(dependency.framework)
                    yield RequiredFramework(name, dependency.framework, package, version)


def _list_dependencies(package: RequestedPackage, matrix: Matrix) -> Iterator[Dependency]:
    """Yield the dependencies of a package with the extras that a line requests."""
    product = PACKAGE_PREFIX + package.name
    requested = ("", *list_extras(package.request))
    for dependency in matrix.product(product).dependencies if product in matrix else ():
        if dependency.extra in requested:
            yield dependency


def _applies(dependency: Dependency, version: str | None) -> bool:
    """Return whether a version requires the framework; a free line installs a new one."""
    return version is None or parse_alternative(dependency.versions).admits(None, version)


def add_packages(rig: Rig, names: Mapping[str, Collection[str]]) -> Rig:
    """Return the rig with these packages in its environments, at any version."""
    envs = {}
    for name, env in rig.env.items():
        packages = {**dict.fromkeys(sorted(names.get(name, ())), "*"), **env.packages}
        envs[name] = env.model_copy(update={"packages": packages})
    return rig.model_copy(update={"env": envs})


def is_on_default_index(release: Release, arch: str) -> bool:
    """Return whether the default package index has this build of a release."""
    return release.get("index") is None or arch in (release.get("pypi") or "").split()
