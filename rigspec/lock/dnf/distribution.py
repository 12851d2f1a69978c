"""The dnf repositories of an operating system, as the matrix knows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rigspec.lock.model import DNF, LockedRepository
from rigspec.matrix.model import Matrix, Release

__all__ = ["DnfDistribution", "find_dnf_distribution", "has_dnf"]

_TABLE = "dnf"


@dataclass(frozen=True)
class DnfDistribution:
    """One release of a distribution: its repositories, and the packages that every system has.

    It has no ``repositories`` if they need a subscription. ``driver_repositories`` have packages
    that a driver needs as well.
    """

    name: str
    architecture: str
    repositories: tuple[LockedRepository, ...]
    base: tuple[str, ...]
    driver_repositories: tuple[LockedRepository, ...] = ()


def has_dnf(matrix: Matrix, os: str) -> bool:
    """Return whether steps install packages with dnf on the operating system."""
    return any(release.label == os for release in matrix.product(_TABLE).releases)


def find_dnf_distribution(matrix: Matrix, os: str, arch: str) -> DnfDistribution | None:
    """Return the distribution of ``rocky 9`` on a machine; None if its repositories are unknown."""
    release = matrix.product(_TABLE).find_release(os)
    if release is None:
        return None
    own = _list_own_repositories(release, "repositories", arch)
    more = _list_own_repositories(release, "driver_repositories", arch, third_party=True)
    base = tuple((release.get("base") or "").split())
    return DnfDistribution(os, arch, tuple(own), base, (*more, _build_epel(release, arch)))


def _list_own_repositories(
    release: Release, listed: str, arch: str, *, third_party: bool | None = None
) -> Iterator[LockedRepository]:
    """Yield the repositories that the system's own key signs."""
    url = release.get("url")
    for name, _, path in (entry.partition("=") for entry in (release.get(listed) or "").split()):
        yield LockedRepository(
            name=f"{release.family}-{name}",
            url=f"{url}/{path.format(arch=arch)}",
            suite="",
            components=(),
            key_url=f"{url}/{release.get('key')}",
            key_fingerprint=release.get("fingerprint") or "",
            manager=DNF,
            third_party=third_party,
        )


def _build_epel(release: Release, arch: str) -> LockedRepository:
    return LockedRepository(
        name="epel",
        url=(release.get("epel_url") or "").format(arch=arch),
        suite="",
        components=(),
        key_url=release.get("epel_key") or "",
        key_fingerprint=release.get("epel_fingerprint") or "",
        manager=DNF,
        third_party=True,
    )
