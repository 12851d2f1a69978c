"""The matrix held against itself: what no row may get wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from rigspec.matrix.components import NUMBERED, PACKAGE_PREFIX, WORDS
from rigspec.matrix.model import Condition, Matrix, Product, Release, Rule, SourceConflict
from rigspec.matrix.part_lookup import names_of
from rigspec.version_specifiers import InvalidRequest, parse_alternative

__all__ = ["Problem", "problems"]

# By how much sources round a card's figures, and tell them at other clocks.
_TOLERANCE = Fraction(1, 10)


@dataclass(frozen=True)
class Problem:
    """What is wrong, and the row it is wrong in."""

    place: str
    what: str


def problems(matrix: Matrix) -> tuple[Problem, ...]:
    """Everything wrong with a whole matrix, in the order of its tables."""
    found: list[Problem] = []
    for product in matrix.products:
        found += _releases(product)
        found += _rules(product, matrix)
        found += _disputes(product)
        found += _shared_names(product)
    found += _rates(matrix)
    found += _repeated_ids(matrix)
    found += _contradictions(matrix)
    return tuple(found)


def _releases(product: Product) -> Iterator[Problem]:
    seen: set[str] = set()
    for release in product.releases:
        place = f"{product.name} {release.label}"
        if release.label in seen:
            yield Problem(place, "the release stands there twice")
        seen.add(release.label)
        if not release.sources:
            yield Problem(place, "no source")
        for artifact in release.artifacts:
            if re.fullmatch(r"[0-9a-f]{64}", artifact.sha256) is None:
                yield Problem(place, f"{artifact.name} has no sha256")
            if not artifact.url.startswith("https://"):
                yield Problem(place, f"{artifact.name} does not come over https")
        yield from _families(product, release, place)


def _families(product: Product, release: Release, place: str) -> Iterator[Problem]:
    if product.families and release.family not in product.families:
        yield Problem(place, f"family {release.family} is not among the product's families")


def _rules(product: Product, matrix: Matrix) -> Iterator[Problem]:
    for rule in product.rules:
        if not rule.sources:
            yield Problem(rule.id, "no source")
        if not rule.statement:
            yield Problem(rule.id, "no statement")
        if re.fullmatch(r"RS[1-6]\d\d", rule.code) is None:
            yield Problem(rule.id, f"`{rule.code}` is no code")
        if rule.severity not in ("error", "warning", "note"):
            yield Problem(rule.id, f"`{rule.severity}` is no severity")
        for condition in (*rule.when, rule.requires):
            yield from _condition(rule, condition, matrix)


def _condition(rule: Rule, condition: Condition, matrix: Matrix) -> Iterator[Problem]:
    name = condition.component
    for text in condition.alternatives:
        try:
            alternative = parse_alternative(text)
        except InvalidRequest as error:
            yield Problem(rule.id, str(error))
            continue
        if name in WORDS:
            if text not in WORDS[name]:
                yield Problem(rule.id, f"{name} is never `{text}`")
        elif name in matrix and name != "python":
            releases = matrix.product(name).releases
            if not any(alternative.admits(r.family, r.version) for r in releases):
                yield Problem(rule.id, f"`{name} {text}` admits no release")
        elif name not in NUMBERED and name != "python" and not name.startswith(PACKAGE_PREFIX):
            yield Problem(rule.id, f"the matrix knows no `{name}`")


def _disputes(product: Product) -> Iterator[Problem]:
    """Where sources disagree, the one in force must stand in the table, with a reason."""
    told = {rule.id for rule in product.rules}
    for release in product.releases:
        told |= {f"{release.label}/{item.kind}" for item in release.availability}
        told |= {f"{release.label}/{key}" for key, _ in release.properties}
        told |= {f"{release.label}/{condition.component}" for condition in release.implies}
    for dispute in product.source_conflicts:
        if dispute.about not in told:
            yield Problem(f"{product.name} {dispute.about}", "a dispute about no row of the table")
        elif not dispute.reason or dispute.used == dispute.rejected:
            yield Problem(f"{product.name} {dispute.about}", "a dispute without a reason")
        else:
            yield from _in_force(product, dispute)


def _in_force(product: Product, dispute: SourceConflict) -> Iterator[Problem]:
    label, _, figure = dispute.about.rpartition("/")
    for release in product.releases:
        if release.label == label and release.get(figure) not in (None, dispute.used):
            told = release.get(figure)
            yield Problem(
                f"{product.name} {dispute.about}",
                f"the table says {told} where {dispute.used} is in force",
            )


def _shared_names(product: Product) -> Iterator[Problem]:
    if product.kind in ("gpu", "cpu", "instance"):
        for name, releases in names_of(product).items():
            if len(releases) > 1:
                labels = ", ".join(release.label for release in releases)
                yield Problem(f"{product.name} {name}", f"two parts answer to it: {labels}")


def _rates(matrix: Matrix) -> Iterator[Problem]:
    """Cards whose half precision is not to their single as it is for their whole generation."""
    if "gpu" not in matrix or "generation" not in matrix:
        return
    rates = {r.version: _number(r, "fp16") for r in matrix.product("generation").releases}
    for card in matrix.product("gpu").releases:
        capability = next((text for c in card.implies for text in c.alternatives), "")
        rate = rates.get(capability.removeprefix("=="))
        half, single = _number(card, "fp16_tflops"), _number(card, "fp32_tflops")
        if rate is None or half is None or not single:
            continue
        if abs(half / single / rate - 1) > _TOLERANCE:
            told = f"{float(half):g} TFLOPS in half precision beside {float(single):g} in single"
            what = f"{told}: its generation has {rate} times as much"
            yield Problem(f"{card.product} {card.label}", what)


def _number(release: Release, figure: str) -> Fraction | None:
    told = release.get(figure) or ""
    return Fraction(told) if re.fullmatch(r"[0-9]+(?:[./][0-9]+)?", told) else None


def _repeated_ids(matrix: Matrix) -> Iterator[Problem]:
    seen: set[str] = set()
    for rule in matrix.rules():
        if rule.id in seen:
            yield Problem(rule.id, "the id stands there twice")
        seen.add(rule.id)


def _contradictions(matrix: Matrix) -> Iterator[Problem]:
    """Two rows of a table that apply to the same release and can never both hold."""
    for product in matrix.products:
        for one, other in combinations(product.rules, 2):
            if one.table == other.table and one.requires.component in matrix:
                shared = _both(one, other, product)
                goals = matrix.product(one.requires.component).releases
                if shared and not any(_meant(r, (one.requires, other.requires)) for r in goals):
                    what = f"cannot hold beside {other.id} for {shared[0].label}"
                    yield Problem(one.id, what)


def _both(one: Rule, other: Rule, product: Product) -> list[Release]:
    """The releases that both rules speak of, if the rest of their conditions can meet."""
    for condition in one.when:
        for against in other.when:
            words = condition.component in WORDS and condition.component == against.component
            if words and not set(condition.alternatives) & set(against.alternatives):
                return []
    named = [c for rule in (one, other) for c in rule.when if c.component == product.name]
    if len(named) < 2:
        return []
    return [release for release in product.releases if _meant(release, named)]


def _meant(release: Release, conditions: Iterable[Condition]) -> bool:
    return all(
        any(parse_alternative(t).admits(release.family, release.version) for t in c.alternatives)
        for c in conditions
    )
