"""Rules of the matrix, bound to the components of a rig."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from rigspec.frozen import dataclass
from rigspec.matrix.model import Rule
from rigspec.resolve.problem.domains import CandidateDomain
from rigspec.resolve.problem.model import (
    BoundRule,
    MaskedRule,
    MergedRule,
    RuleTable,
    SharedTables,
    mask_rule,
)
from rigspec.resolve.problem.rule_index import RuleGroup

__all__ = ["Binding", "BoundRuleGroup"]

# Sets of releases of which the rules are kept in memory.
_MAX_DOMAINS = 512


@dataclass(frozen=True)
class BoundRuleGroup:
    """Rules about the same components, bound to the components of this rig."""

    group: RuleGroup
    keys: Mapping[str, str]
    universes: Mapping[str, CandidateDomain]

    @cached_property
    def own(self) -> str | None:
        """Return the key of the component whose release selects the rules."""
        return self.keys[self.group.own] if self.group.own is not None else None

    @cached_property
    def place(self) -> str:
        """Return the scope of the components: the names of environments or GPUs."""
        scopes = {key.rpartition("/")[0] for key in self.keys.values() if "/" in key}
        return "+".join(sorted(scopes))

    def rows(self, domain: int) -> tuple[BoundRule, ...]:
        """Return the rules about the releases in ``domain``, bound to this rig."""
        known = self._rows.get(domain)
        if known is None:
            if len(self._rows) >= _MAX_DOMAINS:
                self._rows.clear()
            known = self._rows[domain] = tuple(self._bind(self.group.relevant(domain)))
        return known

    def masked_rules(self, domain: int) -> tuple[MaskedRule, ...]:
        """Return the rules about the releases in ``domain`` with masks of this rig's releases."""
        known = self._masked.get(domain)
        if known is None:
            if len(self._masked) >= _MAX_DOMAINS:
                self._masked.clear()
            known = tuple(mask_rule(row, self.universes, self.own) for row in self.rows(domain))
            self._masked[domain] = known
        return known

    def rows_of(self, table: str) -> Iterator[BoundRule]:
        """Return the rules of one table about all releases, bound to this rig."""
        everything = self.universes[self.own].all if self.own is not None else 0
        return self._bind(rule for rule in self.group.relevant(everything) if rule.table == table)

    def merge(self) -> Iterator[tuple[str, list[MergedRule]]]:
        """Yield the tables with their rules in fewer ones."""
        keys = self.keys
        named = {name: self.universes[key] for name, key in keys.items()}
        for table, rules in self.group.merge(named).items():
            yield (
                table,
                [
                    MergedRule(
                        tuple([(keys[name], mask) for name, mask in when]), (keys[required], goal)
                    )
                    for when, (required, goal) in rules
                ],
            )

    def _bind(self, rules: Iterable[Rule]) -> Iterator[BoundRule]:
        known, keys = self._bound, self.keys
        for rule in rules:
            row = known.get(id(rule))
            if row is None:
                needed = rule.requires
                when = tuple([(keys[each.component], each.alternatives) for each in rule.when])
                row = BoundRule(rule, when, (keys[needed.component], needed.alternatives))
                known[id(rule)] = row
            yield row

    @cached_property
    def _bound(self) -> dict[int, BoundRule]:
        return self.group.get_bound_rules(self.keys)

    @cached_property
    def _rows(self) -> dict[int, tuple[BoundRule, ...]]:
        return {}

    @cached_property
    def _masked(self) -> dict[int, tuple[MaskedRule, ...]]:
        return {}


@dataclass(frozen=True)
class Binding:
    """Rule groups of a rig, and their numbers by component."""

    groups: tuple[BoundRuleGroup, ...]

    @cached_property
    def groups_of(self) -> Mapping[str, list[int]]:
        """Return the numbers of the groups about each component."""
        found = defaultdict(list)
        for number, group in enumerate(self.groups):
            for key in set(group.keys.values()):
                found[key].append(number)
        return dict(found)

    @cached_property
    def groups_selected_by(self) -> Mapping[str, list[int]]:
        """Return the numbers of the groups whose rules the release of each component selects."""
        found = defaultdict(list)
        for number, group in enumerate(self.groups):
            if group.own is not None:
                found[group.own].append(number)
        return dict(found)

    @cached_property
    def shared_tables(self) -> SharedTables:
        """Return the rules as tables, which the solver switches as a whole."""
        return SharedTables(tuple(self._build_tables()))

    def _build_tables(self) -> Iterator[RuleTable]:
        parts: dict[tuple[str, str], list[BoundRuleGroup]] = {}
        merged: dict[tuple[str, str], list[MergedRule]] = {}
        for group in self.groups:
            for table, rules in group.merge():
                parts.setdefault((table, group.place), []).append(group)
                merged.setdefault((table, group.place), []).extend(rules)
        for table, place in sorted(parts):
            rows = _list_rows(table, parts[table, place])
            yield RuleTable(f"{place}:{table}", rows, tuple(merged[table, place]))


def _list_rows(table: str, groups: Iterable[BoundRuleGroup]) -> Iterator[BoundRule]:
    for group in groups:
        yield from group.rows_of(table)
