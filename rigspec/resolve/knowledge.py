"""A part of the matrix made ready for solving: what every spec that asks for it shares."""

from __future__ import annotations

from collections.abc import Iterable

from rigspec.matrix.model import Matrix
from rigspec.matrix.vocabulary import PACKAGE_PREFIX, UNLISTED, WORDS
from rigspec.resolve.table_rules import RuleGroup, newest_first, table_rules
from rigspec.resolve.universe import Candidate, CandidateDomain
from rigspec.resolve.vocabulary import MAY_BE_UNKNOWN, NOTHING, OPTIONAL, UNKNOWN, display_name
from rigspec.versions import parse_alternative

__all__ = ["RuleIndex", "rule_index"]


def rule_index(matrix: Matrix) -> RuleIndex:
    """The knowledge of a matrix, made once."""
    known = matrix.memo.get("knowledge")
    if not isinstance(known, RuleIndex):
        known = matrix.memo["knowledge"] = RuleIndex(matrix)
    return known


class RuleIndex:
    """Rules by the components they speak of, and the universe of each component."""

    def __init__(self, matrix: Matrix) -> None:
        self._matrix = matrix
        self._universes: dict[str, CandidateDomain] = {}
        self._mentions: dict[str, frozenset[str]] = {}
        tables = [table_rules(product, self.title) for product in matrix.products]
        self.binding: tuple[RuleGroup, ...] = tuple(g for table in tables for g in table.binding)
        self.advisory: tuple[RuleGroup, ...] = tuple(g for table in tables for g in table.advisory)
        self.frameworks = frozenset(p.name for p in matrix.products if p.kind == "framework")
        self.named = frozenset(
            name for group in (*self.binding, *self.advisory) for name in group.names
        )

    def title(self, name: str) -> str:
        """What a person reads for a component."""
        return display_name(
            name, self._matrix.product(name).title if name in self._matrix else None
        )

    def universe(self, name: str) -> CandidateDomain:
        """The releases that a component of this name can take, the most wanted first."""
        known = self._universes.get(name)
        if known is None:
            known = self._universes[name] = self._made(name)
        return known

    def mentions(self, name: str) -> frozenset[str]:
        """The values that rules name of a component: ``2.27``, ``yes``, ``3.6.5``.

        Of what has no list of releases the requests themselves are given, for stand-in versions.
        """
        known = self._mentions.get(name)
        if known is None:
            known = self._mentions[name] = frozenset(self._mentioned(name))
        return known

    def _made(self, name: str) -> CandidateDomain:
        released = name in self._matrix and bool(self._matrix.product(name).releases)
        if released and name != "python":
            return table_rules(self._matrix.product(name), self.title).universe
        found = {Candidate(None, text) for text in self.mentions(name)}
        if released:
            # Also brought by others: conda's installers have patch releases of their own.
            releases = self._matrix.product(name).releases
            found |= {Candidate(release.family, release.version) for release in releases}
        found |= {Candidate(None, word) for word in WORDS.get(name, ())}
        ordered = newest_first(found, (), apart=True)
        if name in OPTIONAL:
            ordered.append(Candidate(None, NOTHING))
        return CandidateDomain(
            [Candidate(None, UNKNOWN), *ordered] if name in MAY_BE_UNKNOWN else ordered
        )

    def _mentioned(self, name: str) -> Iterable[str]:
        requests = name.startswith(PACKAGE_PREFIX) or name in UNLISTED
        series = name not in self._matrix
        for group in (*self.binding, *self.advisory):
            if name in group.names:
                for rule in group.rules:
                    for condition in (*rule.when, rule.must):
                        if condition.component == name:
                            for text in condition.alternatives:
                                yield from (text,) if requests else _single(text, series=series)


def _single(text: str, *, series: bool) -> Iterable[str]:
    """The one release a request stands for: ``==3.6`` itself, ``3.6.5`` as it is, a word.

    Two numbers are a value where nothing is released under the name (``glibc 2.27``), and a
    ``series`` of releases elsewhere (``python 3.6``).
    """
    if text.startswith("==") and not text.endswith("*") and "," not in text:
        return (text.removeprefix("=="),)
    if text[:1].isdigit():
        return (text,) if series or text.count(".") > 1 else ()
    alternative = parse_alternative(text)
    if alternative.family is not None and alternative.versions is None:
        return (alternative.family,)
    return ()
