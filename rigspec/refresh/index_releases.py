"""Read the releases of a package from a package index, for 64-bit Linux."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from packaging.requirements import Requirement
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version
from unearth import Package, PackageFinder

from rigspec.lock.python.index.client import create_package_finder
from rigspec.lock.python.index.links import list_files
from rigspec.lock.python.index.metadata import read_metadata
from rigspec.refresh.upload_dates import find_first_days

__all__ = ["IndexRelease", "find_upload_days", "list_releases", "supports_linux"]

# The oldest glibc of each legacy tag, and the first pip that supports it:
# https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
_LEGACY = {
    "manylinux1": ("2.5", "8.1"),
    "manylinux2010": ("2.12", "19.0"),
    "manylinux2014": ("2.17", "19.3"),
}
_PEP_600_PIP = "20.3"

# An exact pin of one of these is the CUDA version that the wheels install.
_CUDA_RUNTIME = re.compile(r"nvidia-cuda-runtime(-cu\d+)?|cuda-toolkit")


@dataclass(frozen=True)
class IndexRelease:
    """One release of a package, as the index describes it.

    ``pythons`` are the Python series of its wheels (``3.12``). ``glibc`` and ``pip`` are the oldest
    versions that can install one of its wheels, ``cuda`` the CUDA version that it requires as
    wheels, ``yanked`` the reason if it was yanked, ``uploaded`` the day of its first file.
    """

    package: str
    version: str
    pythons: tuple[str, ...]
    requires_python: str | None
    tags: tuple[str, ...]
    glibc: str | None
    pip: str | None
    cuda: str | None
    yanked: str | None
    uploaded: dt.date | None = None


def list_releases(
    package: str, *, newer_than: str | None, index: str | None
) -> Iterator[IndexRelease]:
    """Yield the final releases of a package that are newer, oldest first.

    Args:
        package: The name of the package.
        newer_than: A version; ``None`` for all releases.
        index: The address of the package index; ``None`` for the configured one.

    Raises:
        LockError: The index cannot be read.
    """
    finder = create_package_finder(index, any_platform=True)
    by_version: dict[Version, list[Package]] = {}
    for file in list_files(finder, package, yanked=True):
        version = Version(file.version or "0")
        is_newer = newer_than is None or version > Version(newer_than)
        if is_newer and not version.is_prerelease and supports_linux(file):
            by_version.setdefault(version, []).append(file)
    listed = [file for files in by_version.values() for file in files]
    days = find_first_days(finder, package, listed) if listed else {}
    for version in sorted(by_version):
        release = _read_release(package, version, by_version[version], finder)
        yield replace(release, uploaded=days.get(version))


def find_upload_days(
    package: str, versions: Collection[str], *, index: str | None
) -> dict[str, dt.date]:
    """Return the upload day of each of these versions, if the index states it.

    Raises:
        LockError: The index cannot be read.
    """
    finder = create_package_finder(index, any_platform=True)
    by_version = {Version(version): version for version in versions}
    files = [
        file
        for file in list_files(finder, package, yanked=True)
        if Version(file.version or "0") in by_version and supports_linux(file)
    ]
    days = find_first_days(finder, package, files) if files else {}
    return {by_version[version]: day for version, day in days.items()}


def supports_linux(package: Package, *, any_arch: bool = False) -> bool:
    """Return whether the file can be installed on Linux: on x86_64, or on any architecture."""
    if not package.link.is_wheel:
        return True
    ending = "" if any_arch else "_x86_64"
    tags = _parse_platforms(package)
    return any((t.endswith(ending) and t.startswith("manylinux")) or t == "any" for t in tags)


def _parse_platforms(package: Package) -> tuple[str, ...]:
    return tuple(sorted({tag.platform for tag in _parse_tags(package)}))


def _parse_tags(wheel: Package) -> frozenset[Tag]:
    """Return the tags of a wheel, none if its name is invalid."""
    try:
        _, _, _, tags = parse_wheel_filename(wheel.link.filename)
    except InvalidWheelFilename:
        return frozenset()
    return tags


def _read_release(
    package: str, version: Version, files: list[Package], finder: PackageFinder
) -> IndexRelease:
    wheels = [file for file in files if file.link.is_wheel]
    tags = sorted(
        {t for wheel in wheels for t in _parse_platforms(wheel) if t.startswith("manylinux")}
    )
    bounds = [_parse_manylinux(tag) for tag in tags if tag.endswith("_x86_64")]
    newest = max(wheels, key=lambda wheel: _find_pythons([wheel]) or ("0",), default=None)
    return IndexRelease(
        package=package,
        version=str(version),
        pythons=_find_pythons(wheels),
        requires_python=next(
            (f.link.requires_python for f in files if f.link.requires_python), None
        ),
        tags=tuple(tag.removesuffix("_x86_64") for tag in tags),
        glibc=min((glibc for glibc, _ in bounds), key=Version, default=None),
        pip=min((pip for _, pip in bounds), key=Version, default=None),
        cuda=_find_cuda(read_metadata(finder.session, newest.link).runs_with) if newest else None,
        yanked=next(
            (file.link.yank_reason or "yanked" for file in files if file.link.is_yanked), None
        ),
    )


def _find_pythons(wheels: Iterable[Package]) -> tuple[str, ...]:
    """Return the CPython series with wheels, without free-threaded builds."""
    found = set()
    for wheel in wheels:
        for tag in _parse_tags(wheel):
            series = re.fullmatch(r"cp(\d)(\d+)", tag.interpreter)
            if series and not tag.abi.endswith("t"):
                found.add(f"{series[1]}.{series[2]}")
    return tuple(sorted(found, key=Version))


def _parse_manylinux(tag: str) -> tuple[str, str]:
    """Return the glibc that a tag requires, and the first pip that supports it."""
    name = tag.removesuffix("_x86_64")
    if name in _LEGACY:
        return _LEGACY[name]
    _, major, minor = name.split("_")
    return f"{major}.{minor}", _PEP_600_PIP


def _find_cuda(requirements: Iterable[Requirement]) -> str | None:
    for requirement in requirements:
        marker = str(requirement.marker or "")
        if _CUDA_RUNTIME.fullmatch(requirement.name) and "extra ==" not in marker:
            for specifier in requirement.specifier:
                if specifier.operator == "==":
                    return ".".join(specifier.version.split(".")[:2])
    return None
