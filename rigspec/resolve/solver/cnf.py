"""Encode the problem as clauses for a SAT solver.

There is a variable for each candidate of each component, exactly one of which is true. A selector
switches each requirement of the spec and each rule table. Under all selectors the formula
describes a valid rig, and a set of incompatible selectors is a conflict.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rigspec.resolve.problem.model import (
    BoundRule,
    Candidate,
    Component,
    Problem,
    Requirement,
    RuleTable,
)

__all__ = ["Encoding", "encode"]


@dataclass(frozen=True)
class Encoding:
    """Clauses and the meaning of their variables. Variables are positive integers."""

    clauses: list[list[int]]
    candidates: dict[tuple[str, Candidate], int]
    requirements: dict[int, Requirement]
    rule_tables: dict[int, RuleTable]

    @property
    def selectors(self) -> list[int]:
        """Return every selector, requirements first, in the order of the problem."""
        return [*self.requirements, *self.rule_tables]


def encode(problem: Problem) -> Encoding:
    """Return the clauses of a problem, always in the same order for the same problem."""
    builder = _Builder()
    for component in problem.components:
        builder.add_component(component)
    requirements = {builder.new_variable(): requirement for requirement in problem.requirements}
    for selector, requirement in requirements.items():
        builder.clauses.append(
            [-selector, builder.goal(requirement.component, requirement.alternatives)]
        )
    rule_tables = {builder.new_variable(): rule_table for rule_table in problem.rule_tables}
    for selector, rule_table in rule_tables.items():
        for constraint in rule_table.constraints:
            builder.add_constraint(constraint, selector)
    return Encoding(builder.clauses, builder.candidates, requirements, rule_tables)


@dataclass
class _Builder:
    clauses: list[list[int]] = field(default_factory=list)
    candidates: dict[tuple[str, Candidate], int] = field(default_factory=dict)
    top: int = 0
    _components: dict[str, Component] = field(default_factory=dict)
    _goals: dict[tuple[str, int], int] = field(default_factory=dict)
    _conditions: dict[tuple[str, int], int] = field(default_factory=dict)

    def new_variable(self) -> int:
        self.top += 1
        return self.top

    def add_component(self, component: Component) -> None:
        self._components[component.key] = component
        variables = [self.new_variable() for _ in component.candidates]
        for candidate, variable in zip(component.candidates, variables, strict=True):
            self.candidates[component.key, candidate] = variable
        self.clauses.append(list(variables))
        self._at_most_one(variables)

    def _at_most_one(self, variables: list[int]) -> None:
        # Sinz's sequential counter: three clauses a candidate where pairs would be quadratic.
        previous: int | None = None
        for variable in variables:
            seen = self.new_variable()
            self.clauses.append([-variable, seen])
            if previous is not None:
                self.clauses.append([-previous, seen])
                self.clauses.append([-variable, -previous])
            previous = seen

    def goal(self, key: str, alternatives: tuple[str, ...]) -> int:
        """Return a variable that forces the component to take one of the alternatives."""
        return self._literal(self._goals, key, alternatives, goal=True)

    def condition(self, key: str, alternatives: tuple[str, ...]) -> int:
        """Return a variable that is true if the component takes one of the alternatives."""
        return self._literal(self._conditions, key, alternatives, goal=False)

    def add_constraint(self, constraint: BoundRule, selector: int) -> None:
        conditions = [-self.condition(*condition) for condition in constraint.when]
        self.clauses.append([-selector, *conditions, self.goal(*constraint.requires)])

    def _literal(
        self,
        known: dict[tuple[str, int], int],
        key: str,
        alternatives: tuple[str, ...],
        *,
        goal: bool,
    ) -> int:
        # One direction each is enough, and costs what the set is large, not what all releases are.
        meant = self._components[key].mask(alternatives)
        found = known.get((key, meant))
        if found is not None:
            return found
        inside = [self.candidates[key, c] for c in self._components[key].universe.members(meant)]
        if len(inside) == 1:
            known[key, meant] = inside[0]
            return inside[0]
        variable = known[key, meant] = self.new_variable()
        if goal:
            self.clauses.append([-variable, *inside])
        else:
            self.clauses.extend([-candidate, variable] for candidate in inside)
        return variable
