"""Rules of the matrix, bound to the components of a rig."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from rigspec.frozen import dataclass
from rigspec.matrix.model import Rule
from rigspec.resolve.problem.domains import CandidateDomain
from rigspec.resolve.problem.model import BoundRule, MergedRule
from rigspec.resolve.problem.rule_index import RuleGroup

__all__ = ["BoundRuleGroup"]

# Sets of releases of which the rules are kept in memory.
_MAX_DOMAINS = 512


@dataclass(frozen=True)
class BoundRuleGroup:
    """Rules about the same components, bound to the components of this rig."""

    group: RuleGroup
    keys: Mapping[str, str]

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

    def rows_of(self, table: str, domain: int) -> Iterator[BoundRule]:
        """Return the rules of one table about the releases in ``domain``, bound to this rig."""
        return self._bind(rule for rule in self.group.relevant(domain) if rule.table == table)

    def merge(
        self, universes: Mapping[str, CandidateDomain]
    ) -> Iterator[tuple[str, list[MergedRule]]]:
        """Yield the tables with their rules in fewer ones; ``universes`` are those of the rig."""
        keys = self.keys
        named = {name: universes[key] for name, key in keys.items()}
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
