"""The dnf repositories of an operating system, as the matrix knows them."""

from __future__ import annotations

from dataclasses import dataclass

from rigspec.lock.model import DNF, LockedRepository
from rigspec.matrix.model import Matrix

__all__ = ["DnfDistribution", "find_dnf_distribution", "has_dnf"]

_TABLE = "dnf"


@dataclass(frozen=True)
class DnfDistribution:
    """One release of a distribution: its repositories, and the packages that every system has."""

    name: str
    architecture: str
    repositories: tuple[LockedRepository, ...]
    base: tuple[str, ...]


def has_dnf(matrix: Matrix, os: str) -> bool:
    """Return whether steps install packages with dnf on the operating system."""
    return any(release.label == os for release in matrix.product(_TABLE).releases)


def find_dnf_distribution(matrix: Matrix, os: str, arch: str) -> DnfDistribution | None:
    """Return the distribution of ``rocky 9`` on a machine; None if its repositories are unknown."""
    release = next((r for r in matrix.product(_TABLE).releases if r.label == os), None)
    if release is None:
        return None
    url = release.get("url")
    entries = (entry.partition("=") for entry in (release.get("repositories") or "").split())
    repositories = (
        LockedRepository(
            name=f"{release.family}-{name}",
            url=f"{url}/{path.format(arch=arch)}",
            suite="",
            components=(),
            key_url=f"{url}/{release.get('key')}",
            key_fingerprint=release.get("fingerprint") or "",
            manager=DNF,
        )
        for name, _, path in entries
    )
    base = tuple((release.get("base") or "").split())
    return DnfDistribution(os, arch, tuple(repositories), base)
