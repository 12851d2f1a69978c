"""Environment markers (PEP 508) on Linux with a Python version that may be open."""

from __future__ import annotations

from functools import lru_cache

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.specifiers import InvalidSpecifier, SpecifierSet

__all__ = ["admits_series", "applies_on_linux", "list_pythons"]

_PYTHONS = ("2.7", *(f"3.{minor}" for minor in range(5, 16)))
# More than the releases of every series, the longest of which ends with 3.9.25.
_MAX_PATCH = 40
# The versions that Python's developers support; an open version is one of them.
_SUPPORTED = tuple(f"3.{minor}" for minor in range(10, 15))
_LINUX = {
    "os_name": "posix",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
    "platform_release": "",
    "platform_version": "",
    "extra": "",
}


def applies_on_linux(marker: str, python: str | None) -> bool | None:
    """Return whether a marker is true; None if that depends on the Python version.

    Args:
        marker: the marker.
        python: the specifier of the Python version; None means any that is supported.
    """
    try:
        results = {
            Marker(marker).evaluate(
                {**_LINUX, "python_version": version, "python_full_version": f"{version}.0"}
            )
            for version in list_pythons(python)
        }
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName):
        return None
    return results.pop() if len(results) == 1 else None


@lru_cache(maxsize=64)
def list_pythons(specifier: str | None) -> list[str]:
    """Return the series of Python that a request admits; without one, those that are supported."""
    if specifier is None:
        return list(_SUPPORTED)
    try:
        accepted = SpecifierSet(specifier)
    except InvalidSpecifier:
        return list(_PYTHONS)
    return [v for v in _PYTHONS if _admits(accepted, v)] or list(_PYTHONS)


def admits_series(specifier: str, series: str) -> bool:
    """Return whether a request admits a release of a series of Python; an invalid one does."""
    try:
        return _admits(SpecifierSet(specifier), series)
    except InvalidSpecifier:
        return True


def _admits(accepted: SpecifierSet, series: str) -> bool:
    # `>=3.8.1` and `==3.8.1` admit releases of 3.8.
    patches = ("", *(f".{patch}" for patch in range(_MAX_PATCH)))
    return any(f"{series}{patch}" in accepted for patch in patches)
