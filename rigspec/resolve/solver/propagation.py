"""Propagate the certain consequences of lines and choices, before a solver runs.

Most rigs determine most of their components: each rule whose conditions certainly hold removes
releases, and each rule that can no longer apply is dropped. The rest is small, whatever the size
of the matrix. The set of solutions does not change.

Only rules about a component that lost releases are applied again, so the time of a choice does
not grow with the rig.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from rigspec.frozen import dataclass
from rigspec.resolve.problem.bound_rules import BoundRuleGroup
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.model import (
    BoundRule,
    Candidate,
    Problem,
    Requirement,
    RuleTable,
)

__all__ = ["Propagation", "propagate"]

# Rules are bound for few releases at a time: those of larger domains wait for a choice.
_FEW = 32


def propagate(builder: ProblemBuilder, requirements: tuple[Requirement, ...]) -> Propagation | None:
    """Return the open part of the problem; None where it has no solution."""
    domains = {component.key: component.domain for component in builder.components}
    for requirement in requirements:
        domains[requirement.component] &= builder.universes[requirement.component].mask(
            requirement.alternatives
        )
    if not all(domains.values()):
        return None
    index = _index_groups(builder)
    every_group = dict.fromkeys(range(len(index.groups)))
    propagation = Propagation(builder, index, domains, {}, every_group, dict(every_group))
    for rule_table in builder.declared:
        propagation.add_rows(rule_table.constraints)
    return propagation if propagation.run() else None


@dataclass(frozen=True)
class _RuleIndex:
    """The rules and the waiting groups by component; a rule is added when its group is bound.

    ``groups`` has each group by its number. Rules have the numbers of their places in ``rows``.
    """

    groups: tuple[BoundRuleGroup, ...]
    groups_of: Mapping[str, tuple[int, ...]]
    groups_selected_by: Mapping[str, tuple[int, ...]]
    rows: list[BoundRule]
    rows_of: defaultdict[str, list[int]]

    def add(self, row: BoundRule) -> int:
        number = len(self.rows)
        self.rows.append(row)
        for key in row.keys:
            self.rows_of[key].append(number)
        return number


def _index_groups(builder: ProblemBuilder) -> _RuleIndex:
    groups = tuple(builder.binding)
    groups_of, selected = defaultdict(list), defaultdict(list)
    for number, group in enumerate(groups):
        for key in set(group.keys.values()):
            groups_of[key].append(number)
        if group.own is not None:
            selected[group.own].append(number)
    return _RuleIndex(
        groups,
        {key: tuple(numbers) for key, numbers in groups_of.items()},
        {key: tuple(numbers) for key, numbers in selected.items()},
        [],
        defaultdict(list),
    )


class Propagation:
    """The remaining releases of each component, and the rules that still apply.

    ``waiting`` are the numbers of rule groups about components with too many releases left, and
    ``unread`` those of them whose component may have few now.
    """

    def __init__(
        self,
        builder: ProblemBuilder,
        index: _RuleIndex,
        domains: dict[str, int],
        rows: dict[int, None],
        waiting: dict[int, None],
        unread: dict[int, None],
    ) -> None:
        self._assembly = builder
        self._universes = builder.universes
        self._index = index
        self._domains = domains
        self._rows = rows
        self._waiting = waiting
        self._unread = unread
        self._queue: deque[int] = deque()

    def is_open(self, key: str) -> bool:
        """Return whether an open rule or a waiting group is about the component."""
        rows, groups = self._index.rows_of.get(key, ()), self._index.groups_of.get(key, ())
        return any(n in self._rows for n in rows) or any(n in self._waiting for n in groups)

    def remaining(self, key: str) -> Iterator[Candidate]:
        """Return the remaining releases of a component, most preferred first."""
        return self._universes[key].members(self._domains[key])

    def choose(self, key: str, candidate: Candidate) -> Propagation | None:
        """Return the open part after choosing this release; None where that is impossible."""
        chosen = Propagation(
            self._assembly,
            self._index,
            dict(self._domains),
            dict(self._rows),
            dict(self._waiting),
            {},
        )
        chosen._narrow(key, self._universes[key].bit(candidate))
        return chosen if chosen.run() else None

    def problem(self) -> Problem:
        """Return the open part as a separate problem, with every waiting rule."""
        rows = [self._index.rows[number] for number in self._rows]
        for number in self._waiting:
            bound_group = self._index.groups[number]
            rows += bound_group.rows(self._domain(bound_group))
        mentioned = {key for key in self._domains if self.is_open(key)}
        components = tuple(
            replace(component, domain=self._domains[component.key])
            for component in self._assembly.components
            if component.key in mentioned
        )
        order = tuple(key for key in self._assembly.order if key in mentioned)
        return Problem(components, (), (RuleTable("open", tuple(rows)),), order)

    def add_rows(self, rows: Iterable[BoundRule]) -> None:
        """Add rules, which the next run applies."""
        for row in rows:
            number = self._index.add(row)
            self._rows[number] = None
            self._queue.append(number)

    def run(self) -> bool:
        """Propagate to a fixed point; return False on a contradiction."""
        while self._propagate():
            ready = self._take_ready_groups()
            if not ready:
                return True
            for bound_group in ready:
                if not self._restrict_others(bound_group):
                    return False
                self.add_rows(bound_group.rows(self._domain(bound_group)))
        return False

    def _take_ready_groups(self) -> list[BoundRuleGroup]:
        """Return the groups whose component has few releases left; they wait no longer."""
        numbers = sorted(number for number in self._unread if number in self._waiting)
        self._unread = {}
        groups = self._index.groups
        ready = [n for n in numbers if _bit_count(self._domain(groups[n])) <= _FEW]
        for number in ready:
            del self._waiting[number]
        return [groups[number] for number in ready]

    def _domain(self, bound_group: BoundRuleGroup) -> int:
        """Return the remaining releases of the component that selects a group's rules."""
        return self._domains[bound_group.own] if bound_group.own is not None else 0

    def _restrict_others(self, bound_group: BoundRuleGroup) -> bool:
        """Leave of other components what any release at hand allows; False where none is left.

        Rules about single releases are not certain as long as several are left; all of them
        together are. A release without any compatible choice is dropped.
        """
        if bound_group.own is None:
            return True
        together: dict[str, int] | None = None
        remaining = self._domains[bound_group.own]
        while remaining:
            bit = remaining & -remaining
            remaining ^= bit
            allowed = self._compatible_with(bound_group, bit)
            if not all(allowed.values()):
                self._narrow(bound_group.own, self._domains[bound_group.own] & ~bit)
            elif together is None:
                together = allowed
            else:
                both = together.keys() & allowed.keys()
                together = {key: together[key] | allowed[key] for key in both}
        for key, mask in (together or {}).items():
            self._narrow(key, self._domains[key] & mask)
        return together is not None

    def _compatible_with(self, bound_group: BoundRuleGroup, bit: int) -> dict[str, int]:
        """Return the releases of other components that are compatible with one release."""
        allowed: dict[str, int] = {}
        for row in bound_group.rows(bit):
            others = (item for item in row.when if item[0] != bound_group.own)
            if all(self._is_certain(key, alternatives) for key, alternatives in others):
                key, alternatives = row.requires
                known = allowed.get(key, self._domains[key])
                allowed[key] = known & self._universes[key].mask(alternatives)
        return allowed

    def _is_certain(self, key: str, alternatives: tuple[str, ...]) -> bool:
        return not self._domains[key] & ~self._universes[key].mask(alternatives)

    def _narrow(self, key: str, domain: int) -> None:
        """Set the remaining releases of a component; queue what this can affect."""
        if domain == self._domains[key]:
            return
        self._domains[key] = domain
        self._queue.extend(n for n in self._index.rows_of.get(key, ()) if n in self._rows)
        self._unread.update(dict.fromkeys(self._index.groups_selected_by.get(key, ())))

    def _propagate(self) -> bool:
        """Apply the queued rules; return False on a contradiction."""
        while self._queue:
            number = self._queue.popleft()
            if number in self._rows:
                outcome = self._apply_rule(self._index.rows[number])
                if outcome is None:
                    return False
                if outcome != "open":
                    del self._rows[number]
        return True

    def _apply_rule(self, row: BoundRule) -> str | None:
        """Apply a rule; return ``spent``, ``open`` or ``applied``, or None on a contradiction."""
        doubtful: list[tuple[str, int]] = []
        for key, alternatives in row.when:
            domain = self._domains[key]
            meant = self._universes[key].mask(alternatives) & domain
            if not meant:
                return "spent"
            if meant != domain:
                doubtful.append((key, meant))
        key, alternatives = row.requires
        domain = self._domains[key]
        meant = self._universes[key].mask(alternatives) & domain
        if meant == domain:
            return "spent"
        if not doubtful:
            self._narrow(key, meant)
            return "applied" if meant else None
        if len(doubtful) == 1 and not meant:
            # Its goal is impossible: then its one open condition does not hold.
            open_key, holds = doubtful[0]
            self._narrow(open_key, self._domains[open_key] & ~holds)
            return "applied"
        return "open"


def _bit_count(mask: int) -> int:
    return bin(mask).count("1")
