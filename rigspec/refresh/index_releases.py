"""What a package index says of a package's releases, for 64-bit Linux."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import Version
from unearth import Package, PackageFinder

from rigspec.lock.python.index.client import create_package_finder
from rigspec.lock.python.index.package_index import listed_files, metadata_requirements
from rigspec.refresh.upload_dates import first_days

__all__ = ["Published", "for_linux", "published"]

# The oldest glibc of each legacy tag, and the pip that first read it:
# https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
_LEGACY = {
    "manylinux1": ("2.5", "8.1"),
    "manylinux2010": ("2.12", "19.0"),
    "manylinux2014": ("2.17", "19.3"),
}
_PEP_600_PIP = "20.3"

# Requirements whose exact pin says which CUDA the wheels bring.
_CUDA_RUNTIME = re.compile(r"nvidia-cuda-runtime(-cu\d+)?|cuda-toolkit")


@dataclass(frozen=True)
class Published:
    """One release: the Pythons of its wheels (``3.12``), or what it asks of Python.

    ``glibc`` and ``pip`` are the oldest that take one of its wheels; ``cuda`` is the CUDA that it
    brings along; ``yanked`` the reason why it was taken back; ``uploaded`` the day of its first
    file.
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


def published(package: str, *, newer_than: str | None, index: str | None) -> Iterator[Published]:
    """The final releases that are newer, oldest first. Raises LockError."""
    finder = create_package_finder(index, any_platform=True)
    by_version: dict[Version, list[Package]] = {}
    for found in listed_files(finder, package, yanked=True):
        version = Version(found.version or "0")
        newer = newer_than is None or version > Version(newer_than)
        if newer and not version.is_prerelease and for_linux(found):
            by_version.setdefault(version, []).append(found)
    listed = [file for files in by_version.values() for file in files]
    days = first_days(finder, package, listed) if listed else {}
    for version in sorted(by_version):
        release = _release(package, version, by_version[version], finder)
        yield replace(release, uploaded=days.get(version))


def for_linux(package: Package) -> bool:
    """Whether 64-bit Linux can take the file."""
    if not package.link.is_wheel:
        return True
    tags = _tags(package)
    return any((t.endswith("_x86_64") and t.startswith("manylinux")) or t == "any" for t in tags)


def _tags(package: Package) -> tuple[str, ...]:
    try:
        _, _, _, tags = parse_wheel_filename(package.link.filename)
    except InvalidWheelFilename:
        return ()
    return tuple(sorted({tag.platform for tag in tags}))


def _release(
    package: str, version: Version, files: list[Package], finder: PackageFinder
) -> Published:
    wheels = [file for file in files if file.link.is_wheel]
    tags = sorted({t for wheel in wheels for t in _tags(wheel) if t.startswith("manylinux")})
    needs = [_oldest(tag) for tag in tags if tag.endswith("_x86_64")]
    newest = max(wheels, key=lambda wheel: _pythons([wheel]) or ("0",), default=None)
    return Published(
        package=package,
        version=str(version),
        pythons=_pythons(wheels),
        requires_python=next(
            (f.link.requires_python for f in files if f.link.requires_python), None
        ),
        tags=tuple(tag.removesuffix("_x86_64") for tag in tags),
        glibc=min((glibc for glibc, _ in needs), key=Version, default=None),
        pip=min((pip for _, pip in needs), key=Version, default=None),
        cuda=_cuda(metadata_requirements(finder.session, newest.link)) if newest else None,
        yanked=next(
            (file.link.yank_reason or "yanked" for file in files if file.link.is_yanked), None
        ),
    )


def _pythons(wheels: Iterable[Package]) -> tuple[str, ...]:
    """The CPython series that have wheels; free-threaded builds are another matter."""
    found = set()
    for wheel in wheels:
        _, _, _, tags = parse_wheel_filename(wheel.link.filename)
        for tag in tags:
            series = re.fullmatch(r"cp(\d)(\d+)", tag.interpreter)
            if series and not tag.abi.endswith("t"):
                found.add(f"{series[1]}.{series[2]}")
    return tuple(sorted(found, key=Version))


def _oldest(tag: str) -> tuple[str, str]:
    """The glibc that a tag asks for, and the pip that first read it."""
    name = tag.removesuffix("_x86_64")
    if name in _LEGACY:
        return _LEGACY[name]
    _, major, minor = name.split("_")
    return f"{major}.{minor}", _PEP_600_PIP


def _cuda(requirements: Iterable[Requirement]) -> str | None:
    for requirement in requirements:
        marker = str(requirement.marker or "")
        if _CUDA_RUNTIME.fullmatch(requirement.name) and "extra ==" not in marker:
            for specifier in requirement.specifier:
                if specifier.operator == "==":
                    return ".".join(specifier.version.split(".")[:2])
    return None
