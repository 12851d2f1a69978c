"""The two forms of a conda lock: conda-lock's own file, and the packages as conda installs them."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rigspec.lock.conda.channels import CondaChannel, restore_written_address
from rigspec.lock.conda.request import CondaPackage, CondaRequest
from rigspec.lock.model import LockedChannelPackage, LockedConda

__all__ = [
    "CondaFiles",
    "LockedCondaPackage",
    "build_conda_files",
    "read_conda_lock",
]

_HEADER = """\
# Written by rigspec: do not edit. For `conda-lock install` and `conda-lock render`.
# The packages of pip are not in here, because an entry needs the address of an index: they are
# in {env}.requirements.txt and {env}.tools.txt, with hashes.
"""


@dataclass(frozen=True)
class CondaFiles:
    """The content of conda-lock's file, and the packages in the order of installation."""

    conda_lock: str
    conda: LockedConda


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
    entries = tuple(
        LockedChannelPackage(
            entry.name, entry.version, entry.build or "", entry.url, entry.hash.md5 or ""
        )
        for entry in lockfile.package
    )
    return CondaFiles(_HEADER.format(env=env) + text, LockedConda(question.platform, entries))


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
