"""A product of the matrix, for reading."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from rigspec.matrix.model import Product, Release, Rule, SourceConflict
from rigspec.matrix.part_lookup import find_part, near_parts, variants_of
from rigspec.version_specifiers import InvalidRequest, parse_alternative

__all__ = ["UnknownRelease", "shown"]


# Products that people call by other names than their tables do.
_PARTS = frozenset({"chipset", "cpu", "gpu", "instance", "psu"})


class UnknownRelease(Exception):
    """The product has no such release; ``near`` are the labels that come nearest."""

    def __init__(self, near: tuple[str, ...]) -> None:
        super().__init__("no such release")
        self.near = near


def shown(product: Product, version: str | None = None) -> str:
    """The releases and rules of a product, or only those that concern one version.

    A version may be written as a spec does: `RTX 3090`, `470`, `ubuntu >=18.04`. Raises
    UnknownRelease where none is meant.
    """
    meant = product.releases if version is None else _meant(product, version)
    lines = [f"{product.title} ({product.name})"]
    for release in meant:
        lines += _release(release)
    lines += [
        line
        for rule in product.rules
        if version is None or _concerns(rule, product, meant)
        for line in _rule(rule)
    ]
    lines += [line for d in product.source_conflicts if version is None for line in _dispute(d)]
    return "\n".join(lines)


def _meant(product: Product, asked: str) -> tuple[Release, ...]:
    exact = tuple(r for r in product.releases if asked in (r.version, r.label, *r.names))
    if exact:
        return exact
    if product.name in _PARTS:
        part = find_part(product, asked)
        found = (part,) if part is not None else variants_of(product, asked)
    else:
        found = _admitted(product, asked)
    if not found:
        raise UnknownRelease(_near(product, asked))
    return found


def _admitted(product: Product, asked: str) -> tuple[Release, ...]:
    try:
        alternative = parse_alternative(asked)
    except InvalidRequest:
        return ()
    return tuple(r for r in product.releases if alternative.admits(r.family, r.version))


def _near(product: Product, asked: str) -> tuple[str, ...]:
    if product.name in _PARTS:
        return tuple(release.label for release in near_parts(product, asked))
    labels = [release.label for release in product.releases]
    return tuple(get_close_matches(asked.lower(), labels, n=3, cutoff=0.5))


def _release(release: Release) -> Iterator[str]:
    yield f"  {release.label}"
    for condition in release.implies:
        yield f"      brings {condition.component} {' or '.join(condition.alternatives)}"
    for artifact in release.artifacts:
        yield f"      file {artifact.name} sha256:{artifact.sha256}"
    for item in release.availability:
        yield f"      {item.kind} {item.day or ''}: {item.reason}"


def _rule(rule: Rule) -> Iterator[str]:
    yield f"  {rule.id} [{rule.code}, {rule.severity}, {rule.confidence} confidence]"
    yield f"      {rule.statement.replace('{sm}', 'the GPU').replace('{value}', 'another')}"
    for source in rule.sources:
        yield f"      source: {source.title}, read {source.read.isoformat()} <{source.url}>"


def _dispute(dispute: SourceConflict) -> Iterator[str]:
    yield f"  {dispute.about}: {dispute.used} ({dispute.used_source})"
    yield f"      and not {dispute.rejected} ({dispute.rejected_source}): {dispute.reason}"


def _concerns(rule: Rule, product: Product, meant: tuple[Release, ...]) -> bool:
    """Whether a rule's conditions mean one of these releases."""
    return any(
        parse_alternative(text).admits(release.family, release.version)
        for release in meant
        for condition in rule.when
        if condition.component == product.name
        for text in condition.alternatives
    )
