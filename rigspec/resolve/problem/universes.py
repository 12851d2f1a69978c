"""The releases that a component can take: those of a table, or those that the index lists."""

from __future__ import annotations

from collections.abc import Iterable

from rigspec.matrix.model import Listing, Product, Release
from rigspec.resolve.problem.domains import Candidate, CandidateDomain
from rigspec.resolve.problem.written_versions import find_exact_version
from rigspec.version_specifiers import get_version_key, parse_alternative, strip_local_version

__all__ = ["build_listed_universe", "get_table_universe", "sort_newest_first"]


def get_table_universe(product: Product) -> CandidateDomain:
    """Return the releases of a product's table, built once; most tables of parts need none."""
    known = product.cache.get("universe")
    if not isinstance(known, CandidateDomain):
        known = CandidateDomain(_releases(product), _not_default(product))
        product.cache["universe"] = known
    return known


def sort_newest_first(
    candidates: Iterable[Candidate], families: tuple[str, ...], *, apart: bool
) -> list[Candidate]:
    """Return candidates by preference: family then version, or version then family."""
    ranks = {family: -rank for rank, family in enumerate(families)}

    def preference(candidate: Candidate) -> tuple[object, ...]:
        rank = ranks.get(candidate.family or "", -len(families))
        version = get_version_key(candidate.version)
        # `11` and `11.0` are one version: the order of equals is that of their texts.
        last = (candidate.family or "", candidate.version)
        return (rank, *version, *last) if apart else (*version, rank, *last)

    return sorted(candidates, key=preference, reverse=True)


def build_listed_universe(
    listing: Listing, mentions: Iterable[str], builds: Iterable[str]
) -> CandidateDomain:
    """Return the listed releases of a package, without a build and with each of ``builds``.

    ``mentions`` are the versions in its rules. One that is older than the newest listed release is
    yanked: pip installs it if its exact version is required.
    """
    known = {get_version_key(version): version for version in listing.versions}
    newest = max(known)
    for text in mentions:
        version = find_exact_version(parse_alternative(text)) if not text.endswith("*") else None
        if version is not None and get_version_key(version) < newest:
            known.setdefault(get_version_key(version), version)
    plain = [Candidate(None, version) for version in known.values()]
    found = [*plain, *(Candidate(None, f"{c.version}+{b}") for b in builds for c in plain)]
    return CandidateDomain(sort_newest_first(found, (), apart=True))


def _releases(product: Product) -> list[Candidate]:
    """Return the releases, most wanted first: those that installers take on their own first."""
    found = {Candidate(release.family, release.version): release for release in product.releases}
    if product.has_builds:
        ordered = sorted(found, key=lambda candidate: _by_build(found[candidate]), reverse=True)
    else:
        apart = product.kind != "framework"
        ordered = sort_newest_first(found, product.families, apart=apart)
    last = _only_on_request(product)
    return sorted(ordered, key=lambda candidate: candidate in last) if last else ordered


def _not_default(product: Product) -> frozenset[Candidate]:
    """Return the builds that the default package index does not have."""
    return frozenset(
        Candidate(release.family, release.version)
        for release in product.releases
        if release.get("index") is not None and release.get("pypi") is None
    )


def _by_build(release: Release) -> tuple[object, ...]:
    """Return a sort key: the newest version, then the default build, then the newest CUDA."""
    cuda = release.get("cuda")
    return (
        get_version_key(strip_local_version(release.version)),
        release.get("pypi") is not None and cuda is not None,
        cuda is not None and release.get("compute_capabilities") is not None,
        get_version_key(cuda) if cuda is not None else get_version_key("0"),
        release.version,
    )


def _only_on_request(product: Product) -> frozenset[Candidate]:
    """Return releases that installers take for their very version only: yanked, or elsewhere."""
    served = {strip_local_version(r.version) for r in product.releases if r.get("pypi") is not None}
    return frozenset(
        Candidate(release.family, release.version)
        for release in product.releases
        if any(item.kind == "yanked" for item in release.availability)
        or (release.get("index") is not None and strip_local_version(release.version) not in served)
    )
