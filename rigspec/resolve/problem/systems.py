"""Operating systems that the matrix knows in part or not at all.

The matrix has the C library and nothing else of some systems: only a spec chooses those. A system
without a table is unverified; rules about its C library apply if the spec declares one.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from rigspec.frozen import dataclass
from rigspec.matrix.model import Product, Release
from rigspec.resolution import UNKNOWN_SYSTEM
from rigspec.resolve.problem.domains import Candidate, CandidateDomain
from rigspec.resolve.problem.written_versions import find_exact_version
from rigspec.spec.system_names import is_system_name
from rigspec.version_specifiers import (
    get_version_key,
    parse_alternative,
    parse_version,
    strip_local_version,
)

__all__ = ["ROLLING", "find_unchosen_systems", "find_unlisted_system", "is_fully_known"]

# The version of a system without releases, such as Arch Linux.
ROLLING = "rolling"

# Systems of which the matrix has every release.
_COMPLETE = frozenset({"debian", "ubuntu"})

# A name as close as this to that of a known system is a misspelling of it.
_MISSPELLED = 0.8


@dataclass(frozen=True)
class _Releases:
    domain: CandidateDomain
    releases: Mapping[Candidate, Release]


@dataclass(frozen=True)
class _UnchosenSystems:
    domain: CandidateDomain
    mask: int


def find_unlisted_system(request: str, product: Product) -> Candidate | None:
    """Return the system that a line of a spec names, if the matrix does not have it.

    A misspelled name or version is not a system: the result is None.
    """
    if request == UNKNOWN_SYSTEM:
        return Candidate(None, UNKNOWN_SYSTEM)
    wanted = parse_alternative(request)
    if wanted.family is None or _find_matching(request, product):
        return None
    family = wanted.family.lower()
    version = find_exact_version(wanted) if wanted.versions is not None else ROLLING
    if version is None:
        return None
    known = [r.version for r in product.releases if r.family == family]
    if known:
        newest = max(known, key=get_version_key)
        newer = get_version_key(version) > get_version_key(newest)
        return Candidate(family, version) if newer or family not in _COMPLETE else None
    names = {release.family or "" for release in product.releases}
    misspelled = get_close_matches(family, names, n=1, cutoff=_MISSPELLED)
    others = {word for _, words in product.other_makers for word in words}
    if family in others or (misspelled and not is_system_name(family)):
        return None
    return Candidate(family, version)


def find_unchosen_systems(product: Product, domain: CandidateDomain) -> int:
    """Return the systems that only a line that names them chooses, as bits of the domain."""
    known = product.cache.get("unchosen")
    if not isinstance(known, _UnchosenSystems) or known.domain is not domain:
        releases = (release for release in product.releases if _only_if_requested(release))
        mask = sum(domain.bit(Candidate(each.family, each.version)) for each in releases)
        known = product.cache["unchosen"] = _UnchosenSystems(domain, mask)
    return known.mask


def find_systems_with_engine(product: Product, domain: CandidateDomain) -> int:
    """Return the systems that have packages of a container engine, as bits of the domain."""
    releases = (each for each in product.releases if each.get("engine_packages") is not None)
    return sum(domain.bit(Candidate(each.family, each.version)) for each in releases)


def is_fully_known(request: str | None, product: Product) -> bool:
    """Return whether the matrix has the Pythons and the packages of a system that is requested."""
    if request is None:
        return True
    found = _find_matching(request, product)
    return (
        not all(map(_only_if_requested, found))
        if found
        else not find_unlisted_system(request, product)
    )


def _only_if_requested(release: Release) -> bool:
    return release.get("selection") == "requested"


def _find_matching(request: str, product: Product) -> list[Release]:
    """Return the releases that a request means, also with more numbers than they have."""
    index = _index_releases(product)
    found = [index.releases[each] for each in index.domain.members(index.domain.mask((request,)))]
    wanted = parse_alternative(request)
    version = find_exact_version(wanted)
    if found or version is None or wanted.family is None:
        return found
    parts = strip_local_version(version).split(".")
    series = (Candidate(wanted.family.lower(), ".".join(parts[:n])) for n in range(1, len(parts)))
    return [
        index.releases[each]
        for each in series
        if each in index.releases and parse_version(each.version) is not None
    ]


def _index_releases(product: Product) -> _Releases:
    """Return the releases of a product by their candidates, indexed once."""
    known = product.cache.get("releases")
    if not isinstance(known, _Releases):
        releases = {Candidate(each.family, each.version): each for each in product.releases}
        known = product.cache["releases"] = _Releases(CandidateDomain(tuple(releases)), releases)
    return known
