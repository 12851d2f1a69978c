"""What surely follows from lines and choices, before a solver is asked.

Most rigs say enough to settle most of themselves: each rule whose conditions surely hold takes
releases away from what it speaks of, and each that can no longer hold falls out. What is left is
small whatever the matrix holds. No solution is lost, and none is won.
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

# Tables are asked about few releases at a time: those of larger domains wait for a choice.
_FEW = 32


def propagate(assembly: ProblemBuilder, claims: tuple[Requirement, ...]) -> Propagation | None:
    """What is still open under the claims; None where nothing can hold."""
    domains = {component.key: component.domain for component in assembly.components}
    for claim in claims:
        domains[claim.component] &= assembly.universes[claim.component].mask(claim.alternatives)
    if not all(domains.values()):
        return None
    declared = [row for sheet in assembly.declared for row in sheet.constraints]
    narrowing = Propagation(assembly, domains, declared, list(assembly.binding))
    return narrowing if narrowing.drawn() else None


class Propagation:
    """The releases that each component has left, and the rows that still say something.

    ``waiting`` are the groups of rules about releases of which too many are left.
    """

    def __init__(
        self,
        assembly: ProblemBuilder,
        domains: dict[str, int],
        rows: list[BoundRule],
        waiting: list[BoundRuleGroup],
    ) -> None:
        self._assembly = assembly
        self._universes = assembly.universes
        self._domains = domains
        self._rows = rows
        self._waiting = waiting

    @property
    def open_keys(self) -> frozenset[str]:
        """The components that an open row or a waiting group speaks of."""
        rows = (key for row in self._rows for key in (row.must[0], *dict(row.when)))
        waiting = (key for tied in self._waiting for key in tied.keys.values())
        return frozenset(rows).union(waiting)

    def wanted(self, key: str) -> Iterator[Candidate]:
        """The releases that a component has left, the most wanted first."""
        return self._universes[key].members(self._domains[key])

    def taking(self, key: str, candidate: Candidate) -> Propagation | None:
        """What is open once the component takes this release; None where it surely cannot."""
        domains = {**self._domains, key: self._universes[key].bit(candidate)}
        taken = Propagation(self._assembly, domains, list(self._rows), list(self._waiting))
        return taken if taken.drawn() else None

    def problem(self) -> Problem:
        """The open part as a problem of its own, with every rule that waits."""
        rows = [*self._rows]
        for tied in self._waiting:
            rows += tied.rows(self._domain(tied))
        mentioned = self.open_keys
        components = tuple(
            replace(component, domain=self._domains[component.key])
            for component in self._assembly.components
            if component.key in mentioned
        )
        order = tuple(key for key in self._assembly.order if key in mentioned)
        return Problem(components, (), (RuleTable("open", tuple(rows)),), order)

    def drawn(self) -> bool:
        """Draw every consequence, and take in what need not wait; False where nothing can hold."""
        while True:
            if not self._propagate():
                return False
            ready = [t for t in self._waiting if _count(self._domain(t)) <= _FEW]
            if not ready:
                return True
            self._waiting = [t for t in self._waiting if t not in ready]
            for tied in ready:
                if not self._bound(tied):
                    return False
                self._rows += tied.rows(self._domain(tied))

    def _domain(self, tied: BoundRuleGroup) -> int:
        """The releases left of the component by which a group's rules are chosen."""
        return self._domains[tied.own] if tied.own is not None else 0

    def _bound(self, tied: BoundRuleGroup) -> bool:
        """Leave of other components what any release at hand allows; False where none is left.

        Rows about single releases say nothing surely as long as several are left; all of them
        together do. A release that nothing can go with falls out.
        """
        if tied.own is None:
            return True
        universe = self._universes[tied.own]
        together: dict[str, int] | None = None
        for candidate in universe.members(self._domains[tied.own]):
            bit = universe.bit(candidate)
            allowed = self._allowed(tied, bit)
            if not all(allowed.values()):
                self._domains[tied.own] &= ~bit
            elif together is None:
                together = allowed
            else:
                both = together.keys() & allowed.keys()
                together = {key: together[key] | allowed[key] for key in both}
        for key, mask in (together or {}).items():
            self._domains[key] &= mask
        return together is not None

    def _allowed(self, tied: BoundRuleGroup, bit: int) -> dict[str, int]:
        """What one release leaves of each component that its rows surely speak of."""
        allowed: dict[str, int] = {}
        for row in tied.rows(bit):
            others = (item for item in row.when if item[0] != tied.own)
            if all(self._surely(key, alternatives) for key, alternatives in others):
                key, alternatives = row.must
                known = allowed.get(key, self._domains[key])
                allowed[key] = known & self._universes[key].mask(alternatives)
        return allowed

    def _surely(self, key: str, alternatives: tuple[str, ...]) -> bool:
        return not self._domains[key] & ~self._universes[key].mask(alternatives)

    def _propagate(self) -> bool:
        changed = True
        while changed:
            changed = False
            kept = []
            for row in self._rows:
                outcome = self._outcome(row)
                if outcome is None:
                    return False
                changed = changed or outcome == "changed"
                if outcome == "open":
                    kept.append(row)
            self._rows = kept
        return True

    def _outcome(self, row: BoundRule) -> str | None:
        """``spent``, ``open`` or ``changed``; None where the row cannot hold."""
        doubtful: list[tuple[str, int]] = []
        for key, alternatives in row.when:
            domain = self._domains[key]
            meant = self._universes[key].mask(alternatives) & domain
            if not meant:
                return "spent"
            if meant != domain:
                doubtful.append((key, meant))
        key, alternatives = row.must
        domain = self._domains[key]
        meant = self._universes[key].mask(alternatives) & domain
        if meant == domain:
            return "spent"
        if not doubtful:
            self._domains[key] = meant
            return "changed" if meant else None
        if len(doubtful) == 1 and not meant:
            # What it asks for cannot be: then its one open condition does not hold.
            open_key, holds = doubtful[0]
            self._domains[open_key] &= ~holds
            return "changed"
        return "open"


def _count(mask: int) -> int:
    return bin(mask).count("1")
