"""Propagate the certain consequences of lines and choices, before a solver runs.

Most rigs determine most of their components: each rule whose conditions certainly hold removes
releases, and each rule that can no longer apply is dropped. The rest is small, whatever the size
of the matrix. The set of solutions does not change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rigspec.resolve.problem.builder import BoundRuleGroup, ProblemBuilder
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
    declared = [row for rule_table in builder.declared for row in rule_table.constraints]
    propagation = Propagation(builder, domains, declared, list(builder.binding))
    return propagation if propagation.run() else None


class Propagation:
    """The remaining releases of each component, and the rules that still apply.

    ``waiting`` are rule groups about components with too many releases left.
    """

    def __init__(
        self,
        builder: ProblemBuilder,
        domains: dict[str, int],
        rows: list[BoundRule],
        waiting: list[BoundRuleGroup],
    ) -> None:
        self._assembly = builder
        self._universes = builder.universes
        self._domains = domains
        self._rows = rows
        self._waiting = waiting

    @property
    def open_keys(self) -> frozenset[str]:
        """Return the components of open rules and waiting groups."""
        rows = (key for row in self._rows for key in (row.requires[0], *dict(row.when)))
        waiting = (key for bound_group in self._waiting for key in bound_group.keys.values())
        return frozenset(rows).union(waiting)

    def remaining(self, key: str) -> Iterator[Candidate]:
        """Return the remaining releases of a component, most preferred first."""
        return self._universes[key].members(self._domains[key])

    def choose(self, key: str, candidate: Candidate) -> Propagation | None:
        """Return the open part after choosing this release; None where that is impossible."""
        domains = {**self._domains, key: self._universes[key].bit(candidate)}
        chosen = Propagation(self._assembly, domains, list(self._rows), list(self._waiting))
        return chosen if chosen.run() else None

    def problem(self) -> Problem:
        """Return the open part as a separate problem, with every waiting rule."""
        rows = [*self._rows]
        for bound_group in self._waiting:
            rows += bound_group.rows(self._domain(bound_group))
        mentioned = self.open_keys
        components = tuple(
            replace(component, domain=self._domains[component.key])
            for component in self._assembly.components
            if component.key in mentioned
        )
        order = tuple(key for key in self._assembly.order if key in mentioned)
        return Problem(components, (), (RuleTable("open", tuple(rows)),), order)

    def run(self) -> bool:
        """Propagate to a fixed point; return False on a contradiction."""
        while True:
            if not self._propagate():
                return False
            ready = [t for t in self._waiting if _bit_count(self._domain(t)) <= _FEW]
            if not ready:
                return True
            self._waiting = [t for t in self._waiting if t not in ready]
            for bound_group in ready:
                if not self._restrict_others(bound_group):
                    return False
                self._rows += bound_group.rows(self._domain(bound_group))

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
        universe = self._universes[bound_group.own]
        together: dict[str, int] | None = None
        for candidate in universe.members(self._domains[bound_group.own]):
            bit = universe.bit(candidate)
            allowed = self._compatible_with(bound_group, bit)
            if not all(allowed.values()):
                self._domains[bound_group.own] &= ~bit
            elif together is None:
                together = allowed
            else:
                both = together.keys() & allowed.keys()
                together = {key: together[key] | allowed[key] for key in both}
        for key, mask in (together or {}).items():
            self._domains[key] &= mask
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

    def _propagate(self) -> bool:
        changed = True
        while changed:
            changed = False
            open_rows = []
            for row in self._rows:
                outcome = self._apply_rule(row)
                if outcome is None:
                    return False
                changed = changed or outcome == "changed"
                if outcome == "open":
                    open_rows.append(row)
            self._rows = open_rows
        return True

    def _apply_rule(self, row: BoundRule) -> str | None:
        """Apply a rule; return ``spent``, ``open`` or ``changed``, or None on a contradiction."""
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
            self._domains[key] = meant
            return "changed" if meant else None
        if len(doubtful) == 1 and not meant:
            # Its goal is impossible: then its one open condition does not hold.
            open_key, holds = doubtful[0]
            self._domains[open_key] &= ~holds
            return "changed"
        return "open"


def _bit_count(mask: int) -> int:
    return bin(mask).count("1")
