"""Propagate the certain consequences of lines and choices, before a solver runs.

Most rigs determine most of their components: each rule whose conditions certainly hold removes
releases, and each rule that can no longer apply is dropped. The rest is small, whatever the size
of the matrix. The set of solutions does not change.

Only rules about a component that lost releases are applied again, so the time of a choice does
not grow with the rig.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import Enum, auto

from rigspec.resolve.problem.bound_rules import BoundRuleGroup
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.model import (
    Candidate,
    MaskedRule,
    Problem,
    Requirement,
    RuleTable,
    mask_rule,
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
    propagation = Propagation(builder, domains, len(builder.binding.groups))
    declared = (
        mask_rule(row, builder.universes, None)
        for rule_table in builder.declared
        for row in rule_table.constraints
    )
    return propagation if propagation.add(declared) and propagation.run() else None


class _OpenRules:
    """Rules by number that were open when they were bound, and their numbers by component."""

    def __init__(self) -> None:
        self.rules: list[MaskedRule] = []
        self.numbers_of: defaultdict[str, list[int]] = defaultdict(list)

    def add(self, rule: MaskedRule) -> int:
        number = len(self.rules)
        self.rules.append(rule)
        for key in rule.row.keys:
            self.numbers_of[key].append(number)
        return number

    def remove_last(self) -> None:
        """Remove the rule that was added last."""
        for key in self.rules.pop().row.keys:
            self.numbers_of[key].pop()


class _Change(Enum):
    """A domain has fewer releases, a rule is open or no longer is, a group was read."""

    NARROWED = auto()
    OPENED = auto()
    CLOSED = auto()
    READ = auto()


class Propagation:
    """The remaining releases of each component, and the rules that still apply.

    ``waiting`` are the numbers of rule groups about components with too many releases left, and
    ``unread`` those of them whose component may have few now. A choice changes the propagation,
    and can be undone: a copy for each would take quadratic time.
    """

    def __init__(self, builder: ProblemBuilder, domains: dict[str, int], groups: int) -> None:
        self._builder = builder
        self._universes = builder.universes
        self._binding = builder.binding
        self._domains = domains
        self._open_rules = _OpenRules()
        # The numbers of the open rules.
        self._rows: dict[int, None] = {}
        self._waiting = dict.fromkeys(range(groups))
        self._unread = dict(self._waiting)
        self._queue: deque[int] = deque()
        # The changes in their order: the kind, and what restores the state before it.
        self._changes: list[tuple[_Change, str, int]] = []

    def is_open(self, key: str) -> bool:
        """Return whether an open rule or a waiting group is about the component."""
        rows, groups = (
            self._open_rules.numbers_of.get(key, ()),
            self._binding.groups_of.get(key, ()),
        )
        return any(n in self._rows for n in rows) or any(n in self._waiting for n in groups)

    def remaining(self, key: str) -> Iterator[Candidate]:
        """Return the remaining releases of a component, most preferred first."""
        return self._universes[key].members(self._domains[key])

    def is_possible(self, key: str, candidate: Candidate) -> bool:
        """Return whether this release of a component remains."""
        return bool(self._universes[key].bit(candidate) & self._domains[key])

    @property
    def mark(self) -> int:
        """Return the present state, for `undo`."""
        return len(self._changes)

    def undo(self, mark: int) -> None:
        """Return to an earlier state."""
        self._queue.clear()
        self._unread = {}
        while len(self._changes) > mark:
            change, key, value = self._changes.pop()
            if change is _Change.NARROWED:
                self._domains[key] = value
            elif change is _Change.CLOSED:
                self._rows[value] = None
            elif change is _Change.OPENED:
                del self._rows[value]
                self._open_rules.remove_last()
            else:
                self._waiting[value] = None

    def choose(self, key: str, candidate: Candidate) -> bool:
        """Choose this release, with its consequences; return False on a contradiction.

        The caller undoes a choice that ends in a contradiction.
        """
        self._narrow(key, self._universes[key].bit(candidate))
        return self.run()

    def problem(self) -> Problem:
        """Return the open part as a separate problem, with every waiting rule."""
        rows = [self._open_rules.rules[number].row for number in sorted(self._rows)]
        for number in sorted(self._waiting):
            bound_group = self._binding.groups[number]
            rows += bound_group.rows(self._domain(bound_group))
        mentioned = {key for key in self._domains if self.is_open(key)}
        components = tuple(
            replace(component, domain=self._domains[component.key])
            for component in self._builder.components
            if component.key in mentioned
        )
        order = tuple(key for key in self._builder.order if key in mentioned)
        return Problem(components, (), (RuleTable("open", tuple(rows)),), order)

    def add(self, rules: Iterable[MaskedRule]) -> bool:
        """Apply rules, and keep those that stay open; return False on a contradiction."""
        for rule in rules:
            outcome = self._apply(rule)
            if outcome is None:
                return False
            if outcome == "open":
                number = self._open_rules.add(rule)
                self._rows[number] = None
                self._changes.append((_Change.OPENED, "", number))
        return True

    def run(self) -> bool:
        """Propagate to a fixed point; return False on a contradiction."""
        while self._propagate():
            ready = self._take_ready_groups()
            if not ready:
                return True
            for bound_group in ready:
                domain = self._domain(bound_group)
                # Of a single release, the rules themselves are certain.
                if domain & (domain - 1) and not self._restrict_others(bound_group):
                    return False
                if not self.add(bound_group.masked_rules(self._domain(bound_group))):
                    return False
        return False

    def _take_ready_groups(self) -> list[BoundRuleGroup]:
        """Return the groups whose component has few releases left; they wait no longer."""
        numbers = sorted(number for number in self._unread if number in self._waiting)
        self._unread = {}
        groups = self._binding.groups
        ready = [n for n in numbers if self._domain(groups[n]).bit_count() <= _FEW]
        for number in ready:
            del self._waiting[number]
            self._changes.append((_Change.READ, "", number))
        return [groups[number] for number in ready]

    def _domain(self, bound_group: BoundRuleGroup) -> int:
        """Return the remaining releases of the component that selects a group's rules."""
        return self._domains[bound_group.own] if bound_group.own is not None else 0

    def _restrict_others(self, bound_group: BoundRuleGroup) -> bool:
        """Leave of other components what any release at hand allows; False where none is left.

        Rules about single releases are not certain as long as several are left; all of them
        together are. A release without any compatible choice is dropped.
        """
        own = bound_group.own
        if own is None:
            return True
        together: dict[str, int] | None = None
        remaining = self._domains[own]
        while remaining:
            bit = remaining & -remaining
            remaining ^= bit
            allowed = self._find_compatible(bound_group.masked_rules(bit))
            if not all(allowed.values()):
                self._narrow(own, self._domains[own] & ~bit)
            elif together is None:
                together = allowed
            else:
                both = together.keys() & allowed.keys()
                together = {key: together[key] | allowed[key] for key in both}
        for key, mask in (together or {}).items():
            self._narrow(key, self._domains[key] & mask)
        return together is not None

    def _find_compatible(self, rules: Iterable[MaskedRule]) -> dict[str, int]:
        """Return the releases of other components that are compatible with one release."""
        domains = self._domains
        allowed: dict[str, int] = {}
        for rule in rules:
            if all(domains[key] & mask == domains[key] for key, mask in rule.others):
                key, mask = rule.requires
                allowed[key] = allowed.get(key, domains[key]) & mask
        return allowed

    def _narrow(self, key: str, domain: int) -> None:
        """Set the remaining releases of a component; queue what this can affect."""
        if domain == self._domains[key]:
            return
        self._changes.append((_Change.NARROWED, key, self._domains[key]))
        self._domains[key] = domain
        rows = self._rows
        self._queue.extend([n for n in self._open_rules.numbers_of.get(key, ()) if n in rows])
        self._unread.update(dict.fromkeys(self._binding.groups_selected_by.get(key, ())))

    def _propagate(self) -> bool:
        """Apply the queued rules; return False on a contradiction."""
        while self._queue:
            number = self._queue.popleft()
            if number in self._rows:
                outcome = self._apply(self._open_rules.rules[number])
                if outcome is None:
                    return False
                if outcome != "open":
                    del self._rows[number]
                    self._changes.append((_Change.CLOSED, "", number))
        return True

    def _apply(self, rule: MaskedRule) -> str | None:
        """Apply a rule; return ``spent``, ``open`` or ``applied``, or None on a contradiction."""
        domains = self._domains
        doubtful: list[tuple[str, int]] = []
        for key, mask in rule.when:
            domain = domains[key]
            meant = mask & domain
            if not meant:
                return "spent"
            if meant != domain:
                doubtful.append((key, meant))
        key, mask = rule.requires
        domain = domains[key]
        meant = mask & domain
        if meant == domain:
            return "spent"
        if not doubtful:
            self._narrow(key, meant)
            return "applied" if meant else None
        if len(doubtful) == 1 and not meant:
            # Its goal is impossible: then its one open condition does not hold.
            open_key, holds = doubtful[0]
            self._narrow(open_key, domains[open_key] & ~holds)
            return "applied"
        return "open"
