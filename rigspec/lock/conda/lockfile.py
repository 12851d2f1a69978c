"""The two forms of a conda lock: conda-lock's own file and the explicit list that conda reads.

The explicit list names md5 sums, as conda-lock renders it: a conda older than 24.9, which the
installers of old rigs include, reads no other. The sha256 is in conda-lock.yml.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rigspec.lock.conda.channels import CondaChannel, restore_written_address
from rigspec.lock.conda.request import CondaPackage, CondaRequest

__all__ = [
    "CondaFiles",
    "LockedCondaPackage",
    "build_conda_files",
    "read_conda_lock",
    "read_explicit_packages",
    "read_preferred_packages",
]

_HEADER = """\
# Written by rigspec: do not edit. For `conda-lock install` and `conda-lock render`.
# The packages of pip are not in here, because an entry needs the address of an index: they are
# in {env}.requirements.txt and {env}.tools.txt, with hashes.
"""
_EXPLICIT_HEADER = """\
# Written by rigspec: do not edit.
# platform: {platform}
@EXPLICIT
"""


@dataclass(frozen=True)
class CondaFiles:
    """Both forms, as file contents."""

    conda_lock: str
    explicit: str


def build_conda_files(
    env: str,
    packages: Sequence[CondaPackage],
    question: CondaRequest,
    channels: Sequence[CondaChannel],
) -> CondaFiles:
    """Return the files of a solve. Every package must have an md5 and a sha256."""
    from conda_lock.lockfile import write_conda_lock_file
    from conda_lock.lockfile.v2prelim.models import Lockfile

    locked = [_entry(package, question.platform, channels) for package in packages]
    lockfile = Lockfile(package=locked, metadata=_metadata(question, channels))
    with tempfile.TemporaryDirectory(prefix="rigspec-") as folder:
        path = Path(folder) / "conda-lock.yml"
        write_conda_lock_file(lockfile, path, None, include_help_text=False)
        text = path.read_text(encoding="utf-8")
    lockfile.toposort_inplace()
    lines = [f"{entry.url}#{entry.hash.md5}\n" for entry in lockfile.package]
    explicit = _EXPLICIT_HEADER.format(platform=question.platform) + "".join(lines)
    return CondaFiles(_HEADER.format(env=env) + text, explicit)


@dataclass(frozen=True)
class LockedCondaPackage:
    """A package of a conda-lock.yml: its address as written there, and its checksum."""

    address: str
    sha256: str


def read_conda_lock(conda_lock: str) -> tuple[LockedCondaPackage, ...]:
    """Return the packages of a conda-lock.yml, in its order."""
    from conda_lock.lockfile import parse_conda_lock_file

    with tempfile.TemporaryDirectory(prefix="rigspec-") as folder:
        path = Path(folder) / "conda-lock.yml"
        path.write_text(conda_lock, encoding="utf-8")
        entries = parse_conda_lock_file(path).package
    return tuple(LockedCondaPackage(entry.url, entry.hash.sha256 or "") for entry in entries)


def read_explicit_packages(explicit: str) -> dict[str, tuple[str, str]]:
    """Return version and build of each package in an explicit list, by name."""
    return {name: (version, build) for name, version, build, _ in _parse_explicit(explicit)}


def read_preferred_packages(
    explicit: str, moving: Collection[str] = ()
) -> tuple[tuple[str, str], ...]:
    """Return name and md5 of each package in an explicit list, except those in ``moving``."""
    free = {name.lower() for name in moving}
    return tuple((name, md5) for name, _, _, md5 in _parse_explicit(explicit) if name not in free)


def _parse_explicit(explicit: str) -> Iterator[tuple[str, str, str, str]]:
    for line in explicit.partition("@EXPLICIT\n")[2].splitlines():
        address, _, md5 = line.partition("#")
        stem = address.rpartition("/")[2].removesuffix(".conda").removesuffix(".tar.bz2")
        name, version, build = stem.rsplit("-", 2)
        yield name, version, build, md5


def _entry(package: CondaPackage, platform: str, channels: Sequence[CondaChannel]) -> Any:
    from conda_lock.lockfile.v1.models import HashModel
    from conda_lock.lockfile.v2prelim.models import LockedDependency

    return LockedDependency(
        name=package.name,
        version=package.version,
        manager="conda",
        platform=platform,
        dependencies=_dependencies(package.depends),
        url=restore_written_address(package.url, channels),
        hash=HashModel(md5=package.md5, sha256=package.sha256),
        categories={"main"},
        build=package.build,
    )


def _metadata(question: CondaRequest, channels: Sequence[CondaChannel]) -> Any:
    """Return conda-lock's metadata: the hash of the request, and the target's virtual packages."""
    from conda_lock.content_hash import compute_content_hashes
    from conda_lock.lockfile.v1.models import LockMeta
    from conda_lock.models.channel import Channel
    from conda_lock.models.lock_spec import LockSpecification, VersionedDependency

    named = [Channel(url=channel.name, used_env_vars=()) for channel in channels]
    requested = [line.spec.partition(" ") for line in question.lines if not line.bound]
    specification = LockSpecification(
        dependencies={
            question.platform: [
                VersionedDependency(name=name, version=version or "*")
                for name, _, version in requested
            ]
        },
        channels=named,
        sources=[],
    )
    virtual = [f"{found.name}={found.version}={found.build}" for found in question.virtual]
    return LockMeta(
        content_hash=compute_content_hashes(specification, None),
        channels=named,
        platforms=[question.platform],
        sources=[],
        custom_metadata={"virtual_packages": ", ".join(sorted(virtual))},
    )


def _dependencies(depends: Sequence[str]) -> dict[str, str]:
    split = (text.partition(" ") for text in depends)
    return {name: version for name, _, version in split if not name.startswith("__")}
