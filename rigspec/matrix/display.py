"""Format a product of the matrix as text."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from rigspec.matrix.model import Listing, Product, Release, Rule
from rigspec.matrix.packages import SourceConflict
from rigspec.matrix.part_lookup import find_part, find_similar_parts, find_variants
from rigspec.version_specifiers import InvalidRequest, parse_alternative

__all__ = ["UnknownReleaseError", "convert_product", "format_product"]

# Products with many spellings of the same release.
_PARTS = frozenset({"chipset", "cpu", "gpu", "instance", "psu"})


class UnknownReleaseError(Exception):
    """The product has no such release; ``similar`` are the most similar labels."""

    def __init__(self, similar: tuple[str, ...]) -> None:
        super().__init__("no such release")
        self.similar = similar


def format_product(product: Product, version: str | None = None) -> str:
    """Format the releases and rules of a product, or only those about one version.

    Args:
        product: The product.
        version: A version as in a spec: `RTX 3090`, `470`, `ubuntu >=18.04`.

    Raises:
        UnknownReleaseError: No release matches ``version``.
    """
    releases = product.releases if version is None else _find_releases(product, version)
    lines = [f"{product.title} ({product.name})"]
    if version is None and product.listing is not None:
        lines += _format_listing(product.listing)
    for release in releases:
        lines += _format_release(release)
    lines += [
        line
        for rule in product.rules
        if version is None or _is_about(rule, product, releases)
        for line in _format_rule(rule)
    ]
    if version is None:
        lines += [
            line for conflict in product.source_conflicts for line in _format_conflict(conflict)
        ]
    return "\n".join(lines)


def convert_product(product: Product, version: str | None = None) -> dict[str, Any]:
    """Return the releases and rules of a product as plain values; see ``format_product``."""
    releases = _list_releases(product) if version is None else _find_releases(product, version)
    rules = (r for r in product.rules if version is None or _is_about(r, product, releases))
    return {
        "schema": 1,
        "product": product.name,
        "title": product.title,
        "releases": [
            {
                "version": release.label,
                "properties": dict(release.properties),
                "includes": {c.component: list(c.alternatives) for c in release.implies},
                "sources": [source.url for source in release.sources],
            }
            for release in releases
        ],
        "rules": [
            {
                "id": rule.id,
                "code": rule.code,
                "when": {c.component: list(c.alternatives) for c in rule.when},
                "requires": {rule.requires.component: list(rule.requires.alternatives)},
                "statement": rule.statement,
                "sources": [source.url for source in rule.sources],
            }
            for rule in rules
        ],
    }


def _find_releases(product: Product, request: str) -> tuple[Release, ...]:
    exact = tuple(r for r in _list_releases(product) if request in (r.version, r.label, *r.names))
    if exact:
        return exact
    if product.name in _PARTS:
        part = find_part(product, request)
        found = (part,) if part is not None else find_variants(product, request)
    else:
        found = _match_releases(product, request)
    if not found:
        raise UnknownReleaseError(_find_similar(product, request))
    return found


def _list_releases(product: Product) -> tuple[Release, ...]:
    """Return the releases of a table, or those that the package index lists of a package."""
    listing = product.listing
    if listing is None:
        return product.releases
    sources = (listing.source,)
    return tuple(Release(product.name, None, text, sources=sources) for text in listing.versions)


def _match_releases(product: Product, request: str) -> tuple[Release, ...]:
    try:
        alternative = parse_alternative(request)
    except InvalidRequest:
        return ()
    return tuple(r for r in _list_releases(product) if alternative.admits(r.family, r.version))


def _find_similar(product: Product, request: str) -> tuple[str, ...]:
    if product.name in _PARTS:
        return tuple(release.label for release in find_similar_parts(product, request))
    labels = [release.label for release in _list_releases(product)]
    return tuple(get_close_matches(request.lower(), labels, n=3, cutoff=0.5))


def _format_release(release: Release) -> Iterator[str]:
    yield f"  {release.label}"
    for condition in release.implies:
        yield f"      includes {condition.component} {' or '.join(condition.alternatives)}"
    for artifact in release.artifacts:
        yield f"      file {artifact.name} sha256:{artifact.sha256}"
    for item in release.availability:
        day = f" {item.day.isoformat()}" if item.day is not None else ""
        yield f"      {item.kind}{day}: {item.reason}"


def _format_listing(listing: Listing) -> Iterator[str]:
    first, last, source = listing.versions[0], listing.versions[-1], listing.source
    yield f"  {len(listing.versions)} releases on the package index: {first} to {last}"
    yield f"      source: {source.title}, read {source.read.isoformat()} <{source.url}>"


def _format_rule(rule: Rule) -> Iterator[str]:
    yield f"  {rule.id} [{rule.code}, {rule.severity}, {rule.confidence} confidence]"
    yield f"      {rule.statement.replace('{sm}', 'the GPU').replace('{value}', 'another version')}"
    for source in rule.sources:
        yield f"      source: {source.title}, read {source.read.isoformat()} <{source.url}>"


def _format_conflict(conflict: SourceConflict) -> Iterator[str]:
    yield f"  {conflict.about}: {conflict.used} ({conflict.used_source})"
    yield (
        f"      rejected: {conflict.rejected} ({conflict.rejected_source}), "
        f"because {conflict.reason}"
    )


def _is_about(rule: Rule, product: Product, releases: tuple[Release, ...]) -> bool:
    """Return whether a condition of the rule matches one of these releases."""
    return any(
        parse_alternative(text).admits(release.family, release.version)
        for release in releases
        for condition in rule.when
        if condition.component == product.name
        for text in condition.alternatives
    )
