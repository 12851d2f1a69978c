"""A part of the matrix made ready for solving: what every spec that asks for it shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from rigspec.matrix.model import Condition, Matrix, Release, Rule
from rigspec.matrix.vocabulary import PACKAGE_PREFIX, UNLISTED, WORDS
from rigspec.resolve.universe import Candidate, Universe
from rigspec.resolve.vocabulary import NOTHING, OPTIONAL, UNKNOWN, UNSAID, shown_as
from rigspec.versions import parse_alternative, version_key

__all__ = ["Knowledge", "RuleGroup", "knowledge_of", "provided"]

# Products whose releases a spec names one by one: what comes with them is told when it does.
_NAMED_PARTS = frozenset({"gpu", "cpu", "instance"})

# How a component's rule is coded when it comes with a release.
_PROVIDED_CODES = {"compute_capability": "RS205", "avx": "RS212", "cudnn_cuda": "RS203"}


@dataclass(frozen=True)
class RuleGroup:
    """Rules about the same components; only those of severity error bind."""

    names: frozenset[str]
    rules: tuple[Rule, ...]


def knowledge_of(matrix: Matrix) -> Knowledge:
    """The knowledge of a matrix, made once."""
    known = matrix.memo.get("knowledge")
    if not isinstance(known, Knowledge):
        known = matrix.memo["knowledge"] = Knowledge(matrix)
    return known


class Knowledge:
    """Rules by the components they speak of, and the universe of each component."""

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix
        self._universes: dict[str, Universe] = {}
        own = (*matrix.rules(), *_with_releases(matrix, self.title))
        self.binding = _groups(rule for rule in own if rule.severity == "error")
        self.advisory = _groups(rule for rule in own if rule.severity != "error")
        self.mentions = _mentions(own, {product.name for product in matrix.products})
        self.frameworks = frozenset(p.name for p in matrix.products if p.kind == "framework")

    def title(self, name: str) -> str:
        """What a person reads for a component."""
        return shown_as(name, self._matrix.product(name).title if name in self._matrix else None)

    def universe(self, name: str) -> Universe:
        """The releases that a component of this name can take, the most wanted first."""
        known = self._universes.get(name)
        if known is None:
            known = self._universes[name] = Universe(self._candidates(name))
        return known

    def _candidates(self, name: str) -> list[Candidate]:
        product = self._matrix.product(name) if name in self._matrix else None
        releases = product.releases if product is not None else ()
        found = {Candidate(release.family, release.version) for release in releases}
        if not found or name == "python":
            # Not released on its own, or also brought by another: what the facts mention.
            found |= {Candidate(None, text) for text in self.mentions.get(name, ())}
        found |= {Candidate(None, word) for word in WORDS.get(name, ())}
        families = product.families if product is not None else ()
        ordered = newest_first(found, families, apart=name not in self.frameworks)
        # Installers take a yanked release only where it is asked for by its very version.
        yanked = {
            Candidate(release.family, release.version)
            for release in releases
            if any(item.kind == "yanked" for item in release.availability)
        }
        ordered.sort(key=lambda candidate: candidate in yanked)
        if name in OPTIONAL:
            return [*ordered, Candidate(None, NOTHING)]
        return [Candidate(None, UNKNOWN), *ordered] if name in UNSAID else ordered


def newest_first(
    candidates: Iterable[Candidate], families: tuple[str, ...], *, apart: bool
) -> list[Candidate]:
    """The most wanted first: by family and then version, or by version and then family."""

    def wanted(candidate: Candidate) -> tuple[object, ...]:
        known = candidate.family in families
        rank = -(families.index(candidate.family or "") if known else len(families))
        version = version_key(candidate.version)
        return (rank, *version, candidate.family or "") if apart else (*version, rank)

    return sorted(candidates, key=wanted, reverse=True)


def provided(
    title: str, release: Release, when: tuple[Condition, ...], shown: Callable[[str], str]
) -> Iterator[Rule]:
    """What comes with a release, as rules; ``shown`` tells the words for a component."""
    name = release.label if release.family or title == release.label else f"{title} {release.label}"
    for item in release.provides:
        values = " or ".join(text.removeprefix("==") for text in item.alternatives)
        code = _PROVIDED_CODES.get(item.component, "RS213")
        yield Rule(
            id=f"{release.product}-{release.label}/{item.component}".replace(" ", "-").lower(),
            table=f"{release.product}/{item.component}",
            code="RS231" if release.product == "image" else code,
            when=when,
            must=item,
            statement=f"{name} has {shown(item.component)} {values}",
            breaks="",
            sources=release.sources,
            confidence=release.confidence,
        )


def _with_releases(matrix: Matrix, shown: Callable[[str], str]) -> Iterator[Rule]:
    """What comes with a release (an OS and its glibc), as rules."""
    for product in matrix.products:
        if product.name not in _NAMED_PARTS:
            for release in product.releases:
                if release.provides:
                    exactly = Candidate(release.family, release.version).exactly
                    when = Condition(product.name, (exactly,))
                    yield from provided(product.title, release, (when,), shown)


def _groups(rules: Iterable[Rule]) -> tuple[RuleGroup, ...]:
    found: dict[frozenset[str], list[Rule]] = {}
    for rule in rules:
        names = frozenset((rule.must.component, *(c.component for c in rule.when)))
        found.setdefault(names, []).append(rule)
    return tuple(RuleGroup(names, tuple(rules)) for names, rules in found.items())


def _mentions(rules: Iterable[Rule], released: set[str]) -> Mapping[str, set[str]]:
    """The single values that rules name, by component: ``2.27``, ``yes``, ``3.6.5``.

    Of what has no list of releases the requests themselves are kept, for stand-in versions.
    """
    found: dict[str, set[str]] = {}
    for rule in rules:
        for condition in (*rule.when, rule.must):
            name = condition.component
            values = found.setdefault(name, set())
            if name.startswith(PACKAGE_PREFIX) or name in UNLISTED:
                values.update(condition.alternatives)
            elif name not in released or name == "python":
                for text in condition.alternatives:
                    values |= _single_value(text, series=name not in released)
    return found


def _single_value(text: str, *, series: bool) -> set[str]:
    """The one release a request stands for: ``==3.6`` itself, ``3.6.5`` as it is, a word.

    Two numbers are a value where nothing is released under the name (``glibc 2.27``), and a
    ``series`` of releases elsewhere (``python 3.6``).
    """
    if text.startswith("==") and not text.endswith("*") and "," not in text:
        return {text.removeprefix("==")}
    if text[:1].isdigit():
        return {text} if series or text.count(".") > 1 else set()
    alternative = parse_alternative(text)
    if alternative.family is not None and alternative.versions is None:
        return {alternative.family}
    return set()
