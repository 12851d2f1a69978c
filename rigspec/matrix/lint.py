"""Check the consistency of the matrix."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from rigspec.matrix.components import ENUMERATED, NUMERIC, PACKAGE_PREFIX, get_channel_product
from rigspec.matrix.model import Condition, Matrix, Product, Release, Rule, Upload
from rigspec.matrix.packages import SourceConflict
from rigspec.matrix.part_lookup import index_names
from rigspec.version_specifiers import (
    NO_BUILD,
    Alternative,
    InvalidRequest,
    get_version_key,
    parse_alternative,
    strip_local_version,
)

__all__ = ["MatrixProblem", "find_problems"]

# Sources round the throughput of a card, and give it at different clocks.
_TOLERANCE = Fraction(1, 10)

# More releases than this are counted, not listed.
_LISTED = 3


@dataclass(frozen=True)
class MatrixProblem:
    """A problem of the matrix: its location, and a message."""

    place: str
    message: str


def find_problems(
    matrix: Matrix, uploads: Mapping[str, Sequence[Upload]]
) -> tuple[MatrixProblem, ...]:
    """Return all problems of a complete matrix, in the order of its tables.

    Args:
        matrix: The matrix.
        uploads: The upload days of each framework's releases.
    """
    found: list[MatrixProblem] = []
    for product in matrix.products:
        found += _check_releases(product)
        found += _check_rules(product, matrix)
        found += _check_dependencies(product, matrix)
        found += _check_source_conflicts(product)
        found += _check_part_names(product)
        found += _check_listing(product)
        if product.kind == "framework":
            found += _check_uploads(product, uploads.get(product.name, ()))
    found += _check_package_owners(matrix)
    found += _check_throughput(matrix)
    found += _check_rule_ids(matrix)
    found += _check_contradictions(matrix)
    return tuple(found)


def _check_releases(product: Product) -> Iterator[MatrixProblem]:
    seen: set[str] = set()
    for release in product.releases:
        place = f"{product.name} {release.label}"
        if release.label in seen:
            yield MatrixProblem(place, "duplicate release")
        seen.add(release.label)
        if not release.sources:
            yield MatrixProblem(place, "no source")
        for artifact in release.artifacts:
            if re.fullmatch(r"[0-9a-f]{64}", artifact.sha256) is None:
                yield MatrixProblem(place, f"no SHA-256 of {artifact.name}")
            if not artifact.url.startswith("https://"):
                yield MatrixProblem(place, f"{artifact.name} is not downloaded over HTTPS")
        if product.families and release.family not in product.families:
            yield MatrixProblem(place, f"family `{release.family}` is missing from `families`")


def _check_uploads(product: Product, uploads: Sequence[Upload]) -> Iterator[MatrixProblem]:
    """Check that each release of a framework has one upload day, which `as_of` needs."""
    place = f"uploads/{product.name}.toml"
    dated = Counter((upload.package, upload.version) for upload in uploads)
    # The builds of a release are uploaded with it; those of other indexes only have no day. With a
    # carrier, the release has a package on the default index, and its builds differ in the carrier.
    known = dict.fromkeys(
        (release.family or product.name, _uploaded_version(product, release))
        for release in product.releases
        if not product.has_builds
        or product.carrier is not None
        or not _is_elsewhere(product, release)
    )
    missing = [" ".join(release) for release in known if release not in dated]
    if missing:
        more = f" and {len(missing) - _LISTED} more" if len(missing) > _LISTED else ""
        yield MatrixProblem(place, f"no upload day of {', '.join(missing[:_LISTED])}{more}")
    for (package, version), count in dated.items():
        if (package, version) not in known:
            yield MatrixProblem(place, f"upload day of the unknown release {package} {version}")
        elif count > 1:
            yield MatrixProblem(place, f"more than one upload day of {package} {version}")


def _uploaded_version(product: Product, release: Release) -> str:
    return strip_local_version(release.version) if product.has_builds else release.version


def _is_elsewhere(product: Product, release: Release) -> bool:
    """Return whether no build of the release is on the default package index."""
    version = strip_local_version(release.version)
    builds = (r for r in product.releases if strip_local_version(r.version) == version)
    return all(build.get("index") is not None and build.get("pypi") is None for build in builds)


def _check_package_owners(matrix: Matrix) -> Iterator[MatrixProblem]:
    """Check that each package of the Python index belongs to one framework."""
    owners: dict[str, str] = {}
    for product in matrix.products:
        if product.kind == "framework":
            for package in product.families or (product.name,):
                owner = owners.setdefault(package, product.name)
                if owner != product.name:
                    message = f"the package `{package}` belongs to `{owner}` as well"
                    yield MatrixProblem(product.name, message)


def _check_dependencies(product: Product, matrix: Matrix) -> Iterator[MatrixProblem]:
    for dependency in product.dependencies:
        name = dependency.framework
        if name not in matrix or matrix.product(name).kind != "framework":
            yield MatrixProblem(product.name, f"`{name}` is not a framework")
        if not dependency.sources:
            yield MatrixProblem(product.name, f"no source of the dependency `{name}`")


def _check_rules(product: Product, matrix: Matrix) -> Iterator[MatrixProblem]:
    for rule in product.rules:
        if not rule.sources:
            yield MatrixProblem(rule.id, "no source")
        if not rule.statement:
            yield MatrixProblem(rule.id, "no statement")
        if re.fullmatch(r"RS[1-6]\d\d", rule.code) is None:
            yield MatrixProblem(rule.id, f"invalid code `{rule.code}`")
        if rule.severity not in ("error", "warning", "note"):
            yield MatrixProblem(rule.id, f"invalid severity `{rule.severity}`")
        for condition in (*rule.when, rule.requires):
            yield from _check_condition(rule, condition, matrix)


def _check_condition(rule: Rule, condition: Condition, matrix: Matrix) -> Iterator[MatrixProblem]:
    name = condition.component
    for text in condition.alternatives:
        try:
            alternative = parse_alternative(text)
        except InvalidRequest as error:
            yield MatrixProblem(rule.id, str(error))
            continue
        if name in ENUMERATED:
            if text not in ENUMERATED[name]:
                yield MatrixProblem(rule.id, f"invalid value `{text}` of {name}")
        elif name in matrix and name != "python" and not name.startswith(PACKAGE_PREFIX):
            if not _has_release(name, alternative, matrix):
                yield MatrixProblem(rule.id, f"`{name} {text}` matches no release")
        elif name not in NUMERIC and name != "python" and not name.startswith(PACKAGE_PREFIX):
            yield MatrixProblem(rule.id, f"unknown component `{name}`")


def _has_release(name: str, alternative: Alternative, matrix: Matrix) -> bool:
    """Return whether a request matches a release, or a build of it in a conda channel."""
    if alternative.build == NO_BUILD and get_channel_product(name) in matrix:
        return True
    tables = [table for table in (name, get_channel_product(name)) if table in matrix]
    releases = (release for table in tables for release in matrix.product(table).releases)
    return any(alternative.admits(r.family, r.version) for r in releases)


def _check_listing(product: Product) -> Iterator[MatrixProblem]:
    versions = product.listing.versions if product.listing is not None else ()
    if list(versions) != sorted(set(versions), key=get_version_key):
        yield MatrixProblem(product.name, "the releases of `listing` are not in order, or repeated")


def _check_source_conflicts(product: Product) -> Iterator[MatrixProblem]:
    """Check that the value in use is that of the table, and that the other has a reason."""
    facts = {rule.id for rule in product.rules}
    for release in product.releases:
        facts |= {f"{release.label}/{item.kind}" for item in release.availability}
        facts |= {f"{release.label}/{key}" for key, _ in release.properties}
        facts |= {f"{release.label}/{condition.component}" for condition in release.implies}
    for conflict in product.source_conflicts:
        place = f"{product.name} {conflict.about}"
        if conflict.about not in facts:
            yield MatrixProblem(place, "source conflict about an unknown row")
        elif not conflict.reason or conflict.used == conflict.rejected:
            yield MatrixProblem(place, "source conflict without a reason")
        else:
            yield from _check_used_value(product, conflict, place)


def _check_used_value(
    product: Product, conflict: SourceConflict, place: str
) -> Iterator[MatrixProblem]:
    label, _, name = conflict.about.rpartition("/")
    for release in product.releases:
        value = release.get(name)
        if release.label == label and value not in (None, conflict.used):
            yield MatrixProblem(
                place, f"the table has {value}, but the value in use is {conflict.used}"
            )


def _check_part_names(product: Product) -> Iterator[MatrixProblem]:
    if product.kind in ("gpu", "cpu", "instance"):
        for name, releases in index_names(product).items():
            if len(releases) > 1:
                labels = ", ".join(release.label for release in releases)
                yield MatrixProblem(f"{product.name} {name}", f"ambiguous name: {labels}")


def _check_throughput(matrix: Matrix) -> Iterator[MatrixProblem]:
    """Check the ratio of half to single precision of each card against its generation."""
    if "gpu" not in matrix or "generation" not in matrix:
        return
    rates = {r.version: _parse_number(r, "fp16") for r in matrix.product("generation").releases}
    for card in matrix.product("gpu").releases:
        capability = next((text for c in card.implies for text in c.alternatives), "")
        rate = rates.get(capability.removeprefix("=="))
        half, single = _parse_number(card, "fp16_tflops"), _parse_number(card, "fp32_tflops")
        if rate is None or half is None or not single:
            continue
        if abs(half / single / rate - 1) > _TOLERANCE:
            message = (
                f"{float(half):g} TFLOPS in half and {float(single):g} in single precision, but "
                f"the ratio of its generation is {rate}"
            )
            yield MatrixProblem(f"{card.product} {card.label}", message)


def _parse_number(release: Release, name: str) -> Fraction | None:
    text = release.get(name) or ""
    return Fraction(text) if re.fullmatch(r"[0-9]+(?:[./][0-9]+)?", text) else None


def _check_rule_ids(matrix: Matrix) -> Iterator[MatrixProblem]:
    seen: set[str] = set()
    for rule in matrix.rules():
        if rule.id in seen:
            yield MatrixProblem(rule.id, "duplicate id")
        seen.add(rule.id)


def _check_contradictions(matrix: Matrix) -> Iterator[MatrixProblem]:
    """Find two rules of a table that apply to the same release and cannot both be met."""
    index = _ReleaseIndex()
    for product in matrix.products:
        if not product.releases:
            continue
        for one, other in combinations(product.rules, 2):
            if one.table == other.table and one.requires.component in matrix:
                shared = _find_shared_releases(one, other, product, index)
                goal = matrix.product(one.requires.component)
                if shared and not index.find_matches(goal, (one.requires, other.requires)):
                    label = product.releases[min(shared)].label
                    yield MatrixProblem(one.id, f"contradicts {other.id} for {label}")


class _ReleaseIndex:
    """The releases of products that match conditions, by number. Each condition is read once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, Condition], frozenset[int]] = {}

    def find_matches(self, product: Product, conditions: Sequence[Condition]) -> frozenset[int]:
        """Return the releases that match all of the conditions."""
        first, *rest = (self._find(product, condition) for condition in conditions)
        return first.intersection(*rest)

    def _find(self, product: Product, condition: Condition) -> frozenset[int]:
        key = (product.name, condition)
        if key not in self._known:
            alternatives = [parse_alternative(text) for text in condition.alternatives]
            self._known[key] = frozenset(
                number
                for number, release in enumerate(product.releases)
                if any(each.admits(release.family, release.version) for each in alternatives)
            )
        return self._known[key]


def _find_shared_releases(
    one: Rule, other: Rule, product: Product, index: _ReleaseIndex
) -> frozenset[int]:
    """Return the releases that both rules apply to, if their other conditions are compatible."""
    for condition in one.when:
        for against in other.when:
            if (
                condition.component in ENUMERATED
                and condition.component == against.component
                and not set(condition.alternatives) & set(against.alternatives)
            ):
                return frozenset()
    named = [c for rule in (one, other) for c in rule.when if c.component == product.name]
    return index.find_matches(product, named) if len(named) > 1 else frozenset()
