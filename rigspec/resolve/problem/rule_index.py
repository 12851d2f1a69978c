"""Rules of a part of the matrix, indexed once and shared by every spec."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING

from rigspec.frozen import dataclass
from rigspec.matrix.components import ENUMERATED, PACKAGE_PREFIX, RANKED, UNLISTED
from rigspec.matrix.model import Condition, Matrix, Product, Release, Rule
from rigspec.resolve.components import MAY_BE_UNKNOWN, NOTHING, OPTIONAL, UNKNOWN, get_display_name
from rigspec.resolve.problem.domains import Candidate, CandidateDomain
from rigspec.resolve.problem.merged_rules import merge_rules
from rigspec.resolve.problem.model import BoundRule, MergedRule
from rigspec.resolve.problem.universes import (
    build_listed_universe,
    get_table_universe,
    sort_newest_first,
)
from rigspec.version_specifiers import build_of, normalize_name, parse_alternative

if TYPE_CHECKING:
    from rigspec.resolve.problem.bound_rules import Binding

__all__ = [
    "RuleGroup",
    "RuleIndex",
    "TableRules",
    "get_rule_index",
    "get_table_rules",
    "list_provided_rules",
]


def get_rule_index(matrix: Matrix) -> RuleIndex:
    """Return the rule index of a matrix, built once."""
    known = matrix.cache.get("knowledge")
    if not isinstance(known, RuleIndex):
        known = matrix.cache["knowledge"] = RuleIndex(matrix)
    return known


class RuleIndex:
    """Rules by their components, and the universe of each component."""

    def __init__(self, matrix: Matrix) -> None:
        # Not the matrix itself, which has this index: a cycle is never freed without the collector.
        self.matrix = replace(matrix)
        # The bound rules, by their kind, of rigs with these environments, GPUs and universes.
        self.bindings: dict[tuple[object, ...], dict[str, Binding]] = {}
        self._universes: dict[str, CandidateDomain] = {}
        self._listed: dict[tuple[str, tuple[str, ...]], CandidateDomain] = {}
        self._mentions: dict[str, frozenset[str]] = {}
        tables = [get_table_rules(product, self.title) for product in matrix.products]
        self.binding: tuple[RuleGroup, ...] = tuple(g for table in tables for g in table.binding)
        self.advisory: tuple[RuleGroup, ...] = tuple(g for table in tables for g in table.advisory)
        self.frameworks = frozenset(p.name for p in matrix.products if p.kind == "framework")
        self.named = frozenset(
            name for group in (*self.binding, *self.advisory) for name in group.names
        )
        self.binding = tuple(map(self._select_by_python, self.binding))
        self.advisory = tuple(map(self._select_by_python, self.advisory))

    def title(self, name: str) -> str:
        """Return the display name of a component."""
        return get_display_name(
            name, self.matrix.product(name).title if name in self.matrix else None
        )

    def product(self, name: str) -> Product:
        """Return a product of the matrix. Raises KeyError."""
        return self.matrix.product(name)

    def find_product(self, name: str) -> Product | None:
        """Return a product, if the matrix has a table about it."""
        return self.matrix.product(name) if name in self.matrix else None

    def universe(self, name: str) -> CandidateDomain:
        """Return the releases that a component of this name can take, most preferred first."""
        known = self._universes.get(name)
        if known is None:
            known = self._universes[name] = self._build_universe(name)
        return known

    def listed_universe(self, name: str, builds: tuple[str, ...]) -> CandidateDomain | None:
        """Return the releases that the index lists of a package, also with each of ``builds``."""
        product = self.find_product(name)
        if product is None or product.listing is None:
            return None
        known = self._listed.get((name, builds))
        if known is None:
            known = build_listed_universe(product.listing, self.mentions(name), builds)
            self._listed[name, builds] = known
        return known

    def releases_carrying(self, product: str, package: str, request: str) -> tuple[str, ...]:
        """Return the releases of a product that go with a version of its carrier (``jaxlib``)."""
        known = self.matrix.product(product)
        if known.carrier is None or normalize_name(package) != known.carrier:
            return ()
        wanted = parse_alternative(request)
        return tuple(
            f"=={release.version}"
            for release in known.releases
            if (version := release.get(known.carrier)) is not None
            and wanted.admits(None, f"{version}+{build_of(release.version)}")
        )

    def mentions(self, name: str) -> frozenset[str]:
        """Return the values of a component that rules name: ``2.27``, ``yes``, ``3.6.5``.

        For a component without a list of releases these are the requests themselves.
        """
        known = self._mentions.get(name)
        if known is None:
            known = self._mentions[name] = frozenset(self._find_mentions(name))
        return known

    def _select_by_python(self, group: RuleGroup) -> RuleGroup:
        """Return the group with the Pythons of the matrix, if each of its rules is about some.

        Their universe is not that of a table: it has those of other tables' rules.
        """
        if group.own is not None or _PYTHON not in group.names:
            return group
        if not all(any(c.component == _PYTHON for c in rule.when) for rule in group.rules):
            return group
        return RuleGroup(group.names, group.rules, _PYTHON, self.universe(_PYTHON))

    def _build_universe(self, name: str) -> CandidateDomain:
        if name in RANKED:
            return CandidateDomain([Candidate(None, word) for word in ENUMERATED[name]])
        released = name in self.matrix and bool(self.matrix.product(name).releases)
        if released and name != _PYTHON:
            return get_table_universe(self.matrix.product(name))
        found = {Candidate(None, text) for text in self.mentions(name)}
        if released:
            # Installers of conda include other patch releases.
            releases = self.matrix.product(name).releases
            found |= {Candidate(release.family, release.version) for release in releases}
        found |= {Candidate(None, word) for word in ENUMERATED.get(name, ())}
        ordered = sort_newest_first(found, (), apart=True)
        if name in OPTIONAL:
            ordered.append(Candidate(None, NOTHING))
        return CandidateDomain(
            [Candidate(None, UNKNOWN), *ordered] if name in MAY_BE_UNKNOWN else ordered
        )

    def _find_mentions(self, name: str) -> Iterable[str]:
        requests = name.startswith(PACKAGE_PREFIX) or name in UNLISTED
        series = name not in self.matrix
        for group in (*self.binding, *self.advisory):
            if name in group.names:
                for rule in group.rules:
                    for condition in (*rule.when, rule.requires):
                        if condition.component == name:
                            for text in condition.alternatives:
                                yield from (
                                    (text,) if requests else _single_version(text, series=series)
                                )


def _single_version(text: str, *, series: bool) -> Iterable[str]:
    """Return the one release that a request names: ``==3.6``, ``3.6.5`` or a word.

    Two numbers are a value for a component without releases (``glibc 2.27``), and a ``series`` of
    releases elsewhere (``python 3.6``).
    """
    if text.startswith("==") and not text.endswith("*") and "," not in text:
        return (text.removeprefix("=="),)
    if text[:1].isdigit():
        return (text,) if series or text.count(".") > 1 else ()
    alternative = parse_alternative(text)
    if alternative.family is not None and alternative.versions is None:
        return (alternative.family,)
    return ()


_PYTHON = "python"

# Products whose releases a spec names one by one: their rules are added for the named ones.
_NAMED_PARTS = frozenset({"gpu", "cpu", "instance"})

# How a component's rule is coded when it comes with a release.
_PROVIDED_CODES = {"compute_capability": "RS205", "avx": "RS212", "cudnn_cuda": "RS203"}


# Most rigs have the universes of a few parts of the matrix; some have releases that no table lists.
_MAX_CACHED = 8


@dataclass(frozen=True)
class RuleGroup:
    """Rules about the same components.

    ``own`` is the table's product, or Python, where each rule has a condition on it: then only
    rules apply whose condition the remaining releases can meet.
    """

    names: frozenset[str]
    rules: tuple[Rule, ...]
    own: str | None
    universe: CandidateDomain | None
    _by_release: dict[int, tuple[int, ...]] = field(default_factory=dict, compare=False)
    _relevant: dict[int, tuple[Rule, ...]] = field(default_factory=dict, compare=False)
    _bound: dict[tuple[tuple[str, str], ...], dict[int, BoundRule]] = field(
        default_factory=dict, compare=False
    )
    _merged: dict[tuple[CandidateDomain, ...], Mapping[str, tuple[MergedRule, ...]]] = field(
        default_factory=dict, compare=False
    )

    def get_bound_rules(self, keys: Mapping[str, str]) -> dict[int, BoundRule]:
        """Return the rules that were bound to these keys, by the identity of the rule.

        Rigs of the same names share them, and so do a rig and its repairs.
        """
        place = tuple(keys.items())
        known = self._bound.get(place)
        if known is None:
            if len(self._bound) >= _MAX_CACHED:
                self._bound.clear()
            known = self._bound[place] = {}
        return known

    def merge(
        self, universes: Mapping[str, CandidateDomain]
    ) -> Mapping[str, tuple[MergedRule, ...]]:
        """Return the rules of each table in fewer ones; ``universes`` are those of the names."""
        key = tuple(universes[name] for name in self.names)
        known = self._merged.get(key)
        if known is None:
            tables: dict[str, list[Rule]] = {}
            for rule in self.rules:
                tables.setdefault(rule.table, []).append(rule)
            known = {
                table: merge_rules(rules, universes, self.own) for table, rules in tables.items()
            }
            if len(self._merged) >= _MAX_CACHED:
                self._merged.clear()
            self._merged[key] = known
        return known

    def relevant(self, domain: int) -> tuple[Rule, ...]:
        """Return the rules about the releases in ``domain``, bits of the universe."""
        if self.universe is None:
            return self.rules
        known = self._relevant.get(domain)
        if known is None:
            known = self._relevant[domain] = tuple(self.rules[i] for i in self._indexes(domain))
        return known

    def _indexes(self, domain: int) -> Iterable[int]:
        if not self._by_release:
            self._index()
        found: set[int] = set()
        while domain:
            lowest = domain & -domain
            found.update(self._by_release.get(lowest, ()))
            domain ^= lowest
        return sorted(found)

    def _index(self) -> None:
        if self.universe is None:
            return
        rules: dict[int, list[int]] = {}
        for index, rule in enumerate(self.rules):
            meant = self.universe.all
            for condition in rule.when:
                if condition.component == self.own:
                    meant &= self.universe.mask(condition.alternatives)
            while meant:
                lowest = meant & -meant
                rules.setdefault(lowest, []).append(index)
                meant ^= lowest
        self._by_release.update((bit, tuple(indexes)) for bit, indexes in rules.items())


@dataclass(frozen=True)
class TableRules:
    """The binding and the advisory rules of one table."""

    binding: tuple[RuleGroup, ...]
    advisory: tuple[RuleGroup, ...]


def get_table_rules(product: Product, shown: Callable[[str], str]) -> TableRules:
    """Return the rules of a product's table; ``shown`` gives display names."""
    known = product.cache.get("rules")
    if isinstance(known, TableRules):
        return known
    own = (*product.rules, *_with_releases(product, shown))
    made = TableRules(
        _groups((rule for rule in own if rule.severity == "error"), product),
        _groups((rule for rule in own if rule.severity != "error"), product),
    )
    product.cache["rules"] = made
    return made


def list_provided_rules(
    title: str, release: Release, when: tuple[Condition, ...], shown: Callable[[str], str]
) -> Iterator[Rule]:
    """Yield rules for the components that come with a release; ``shown`` gives display names."""
    name = title if release.product == "image" else release.label
    if release.product != "image" and not release.family and title != release.label:
        name = f"{title} {release.label}"
    for item in release.implies:
        values = " or ".join(text.removeprefix("==") for text in item.alternatives)
        code = _PROVIDED_CODES.get(item.component, "RS213")
        yield Rule(
            id=f"{release.product}-{release.label}/{item.component}".replace(" ", "-").lower(),
            table=f"{release.product}/{item.component}",
            code="RS231" if release.product == "image" else code,
            when=when,
            requires=item,
            statement=f"{name} has {shown(item.component)} {values}",
            failure_message="",
            sources=release.sources,
            confidence=release.confidence,
        )


def _with_releases(product: Product, shown: Callable[[str], str]) -> Iterator[Rule]:
    """Yield rules for the components that come with a release (an OS and its glibc)."""
    if product.name not in _NAMED_PARTS:
        for release in product.releases:
            if release.implies:
                exactly = Candidate(release.family, release.version).exactly
                when = Condition(product.name, (exactly,))
                yield from list_provided_rules(product.title, release, (when,), shown)


def _groups(rules: Iterable[Rule], product: Product) -> tuple[RuleGroup, ...]:
    found: dict[tuple[frozenset[str], bool], list[Rule]] = {}
    for rule in rules:
        names = frozenset((rule.requires.component, *(c.component for c in rule.when)))
        # Python has releases from installers, too: its universe is not the table's.
        # Nor are those of a package: the lock finds them.
        listed = product.name != _PYTHON and product.kind != "package"
        own = listed and any(c.component == product.name for c in rule.when)
        found.setdefault((names, own), []).append(rule)
    return tuple(
        RuleGroup(names, tuple(members), product.name, get_table_universe(product))
        if own
        else RuleGroup(names, tuple(members), None, None)
        for (names, own), members in found.items()
    )
