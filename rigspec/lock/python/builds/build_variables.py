"""Variables without which the build of a source archive downloads a wheel."""

from __future__ import annotations

from collections.abc import Iterable

from packaging.specifiers import SpecifierSet

from rigspec.lock.model import LockedPythonPackage
from rigspec.matrix.loader import load_matrix

__all__ = ["list_build_variables"]

_TABLE = "build-variable"


def list_build_variables(packages: Iterable[LockedPythonPackage]) -> tuple[str, ...]:
    """Return the variables of those packages that pip builds, as sorted ``NAME=VALUE``."""
    sources = {package.name: package.version for package in packages if package.from_source}
    if not sources:
        return ()
    return tuple(
        sorted(
            f"{each.name}={each.value}"
            for each in load_matrix([_TABLE]).product(_TABLE).build_variables
            if each.package in sources
            and SpecifierSet(each.versions, prereleases=True).contains(sources[each.package])
        )
    )
