"""A product of the matrix, for reading."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.matrix.model import Dispute, Product, Release, Rule
from rigspec.versions import parse_alternative

__all__ = ["shown"]


def shown(product: Product, version: str | None = None) -> str:
    """The releases and rules of a product, or only those that concern one version."""
    lines = [f"{product.title} ({product.name})"]
    for release in product.releases:
        if version is None or version in (release.version, release.label):
            lines += _release(release)
    lines += [
        line
        for rule in product.rules
        if version is None or _concerns(rule, product, version)
        for line in _rule(rule)
    ]
    lines += [line for d in product.disputes if version is None for line in _dispute(d)]
    return "\n".join(lines)


def _release(release: Release) -> Iterator[str]:
    yield f"  {release.label}"
    for condition in release.provides:
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


def _dispute(dispute: Dispute) -> Iterator[str]:
    yield f"  {dispute.about}: {dispute.in_force} ({dispute.according_to})"
    yield f"      and not {dispute.other} ({dispute.other_according_to}): {dispute.reason}"


def _concerns(rule: Rule, product: Product, version: str) -> bool:
    """Whether a rule's conditions mean a release of this version, or of this label."""
    meant = [r for r in product.releases if version in (r.version, r.label)]
    return any(
        parse_alternative(text).admits(release.family, release.version)
        for release in meant
        for condition in rule.when
        if condition.component == product.name
        for text in condition.alternatives
    )
