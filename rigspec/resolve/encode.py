"""The problem as clauses for a SAT solver.

A variable stands for each candidate of each component, exactly one of which is true. A selector
switches each claim of the spec and each sheet of facts; under all selectors the formula says
what a valid rig is, and a set of selectors that cannot hold together is a conflict.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rigspec.resolve.problem import Candidate, Claim, Component, Constraint, Problem, Sheet

__all__ = ["Encoding", "encode"]


@dataclass(frozen=True)
class Encoding:
    """Clauses, and what their variables mean. Variables are positive integers."""

    clauses: list[list[int]]
    candidates: dict[tuple[str, Candidate], int]
    claims: dict[int, Claim]
    sheets: dict[int, Sheet]

    @property
    def selectors(self) -> list[int]:
        """Every switch, claims first, in the order of the problem."""
        return [*self.claims, *self.sheets]


def encode(problem: Problem) -> Encoding:
    """The clauses of a problem, always in the same order for the same problem."""
    builder = _Builder()
    for component in problem.components:
        builder.add_component(component)
    claims = {builder.new_variable(): claim for claim in problem.claims}
    for selector, claim in claims.items():
        builder.clauses.append([-selector, builder.membership(claim.component, claim.alternatives)])
    sheets = {builder.new_variable(): sheet for sheet in problem.sheets}
    for selector, sheet in sheets.items():
        for constraint in sheet.constraints:
            builder.add_constraint(constraint, selector)
    return Encoding(builder.clauses, builder.candidates, claims, sheets)


@dataclass
class _Builder:
    clauses: list[list[int]] = field(default_factory=list)
    candidates: dict[tuple[str, Candidate], int] = field(default_factory=dict)
    top: int = 0
    _components: dict[str, Component] = field(default_factory=dict)
    _exact: dict[tuple[str, str], int] = field(default_factory=dict)
    _memberships: dict[tuple[str, tuple[str, ...]], int] = field(default_factory=dict)

    def new_variable(self) -> int:
        self.top += 1
        return self.top

    def add_component(self, component: Component) -> None:
        self._components[component.key] = component
        variables = [self.new_variable() for _ in component.candidates]
        for candidate, variable in zip(component.candidates, variables, strict=True):
            self.candidates[component.key, candidate] = variable
            self._exact[component.key, candidate.exactly] = variable
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

    def membership(self, key: str, alternatives: tuple[str, ...]) -> int:
        """A variable that is true exactly when the component takes one of the alternatives."""
        known = self._memberships.get((key, alternatives))
        if known is None and len(alternatives) == 1:
            # Most facts are about one release, which has a variable already.
            known = self._exact.get((key, alternatives[0]))
        if known is not None:
            return known
        variable = self._memberships[key, alternatives] = self.new_variable()
        component = self._components[key]
        meant = set(component.universe.members(component.mask(alternatives)))
        for candidate in component.candidates:
            inside = variable if candidate in meant else -variable
            self.clauses.append([-self.candidates[key, candidate], inside])
        return variable

    def add_constraint(self, constraint: Constraint, selector: int) -> None:
        conditions = [-self.membership(*condition) for condition in constraint.when]
        self.clauses.append([-selector, *conditions, self.membership(*constraint.must)])
