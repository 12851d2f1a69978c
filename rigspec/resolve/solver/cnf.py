"""Encode the problem as clauses for a SAT solver.

There is a variable for each candidate of each component, exactly one of which is true. A selector
switches each requirement of the spec and each rule table. Under all selectors the formula
describes a valid rig, and a set of incompatible selectors is a conflict.
"""

from __future__ import annotations

from collections.abc import Iterable
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


def encode(problem: Problem) -> Encoding:
    """Return the clauses of a problem, always in the same order for the same problem."""
    encoding = Encoding()
    for component in problem.components:
        encoding.add_component(component)
    for requirement in problem.requirements:
        encoding.add_requirement(requirement)
    for rule_table in problem.rule_tables:
        selector = encoding.new_variable()
        encoding.rule_tables[selector] = rule_table
        for rule in rule_table.constraints:
            encoding.add_rule(rule, selector)
    return encoding


@dataclass
class Encoding:
    """Clauses and the meaning of their variables, which are positive integers.

    It can grow: a session loads the clauses that were added since its last query.
    """

    clauses: list[list[int]] = field(default_factory=list)
    candidates: dict[tuple[str, Candidate], int] = field(default_factory=dict)
    requirements: dict[int, Requirement] = field(default_factory=dict)
    rule_tables: dict[int, RuleTable] = field(default_factory=dict)
    _top: int = 0
    # By identity: rules are large, and those of a problem live as long as its encoding.
    _rules: dict[int, int] = field(default_factory=dict)
    _selectors: dict[int, int] = field(default_factory=dict)
    _components: dict[str, Component] = field(default_factory=dict)
    # By component, and then by the bit of a candidate in its universe.
    _variables: dict[str, dict[int, int]] = field(default_factory=dict)
    _goals: dict[tuple[str, int], int] = field(default_factory=dict)
    _conditions: dict[tuple[str, int], int] = field(default_factory=dict)

    @property
    def selectors(self) -> list[int]:
        """Return every selector, requirements first, in the order of the problem."""
        return [*self.requirements, *self.rule_tables]

    def new_variable(self) -> int:
        """Return a variable that no clause has yet."""
        self._top += 1
        return self._top

    def add_component(self, component: Component) -> None:
        """Add the candidates of a component, exactly one of which is true."""
        self._components[component.key] = component
        variables = [self.new_variable() for _ in component.candidates]
        bits = self._variables[component.key] = {}
        for candidate, variable in zip(component.candidates, variables, strict=True):
            self.candidates[component.key, candidate] = variable
            bits[component.universe.bit(candidate)] = variable
        self.clauses.append(list(variables))
        self._at_most_one(variables)

    def goal(self, key: str, alternatives: tuple[str, ...]) -> int:
        """Return a variable that forces the component to take one of the alternatives."""
        return self._literal(self._goals, key, alternatives, goal=True)

    def condition(self, key: str, alternatives: tuple[str, ...]) -> int:
        """Return a variable that is true if the component takes one of the alternatives."""
        return self._literal(self._conditions, key, alternatives, goal=False)

    def add_rule(self, rule: BoundRule, selector: int) -> None:
        """Add a rule that applies where the selector is true."""
        conditions = [-self.condition(*condition) for condition in rule.when]
        self.clauses.append([-selector, *conditions, self.goal(*rule.requires)])

    def rule_selector(self, rule: BoundRule) -> int:
        """Return a variable that switches this rule alone, whatever the one of its table."""
        selector = self._rules.get(id(rule))
        if selector is None:
            selector = self._rules[id(rule)] = self.new_variable()
            self.add_rule(rule, selector)
        return selector

    def add_requirement(self, requirement: Requirement) -> None:
        """Add a requirement with a selector."""
        selector = self.new_variable()
        self.requirements[selector] = requirement
        self._selectors[id(requirement)] = selector
        self.clauses.append([-selector, self.goal(requirement.component, requirement.alternatives)])

    def select(self, requirements: Iterable[Requirement]) -> list[int]:
        """Return the selectors of requirements of this problem. Raises KeyError."""
        return [self._selectors[id(requirement)] for requirement in requirements]

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
        inside = self._variables_of(key, meant)
        if len(inside) == 1:
            known[key, meant] = inside[0]
            return inside[0]
        variable = known[key, meant] = self.new_variable()
        if goal:
            self.clauses.append([-variable, *inside])
        else:
            self.clauses.extend([-candidate, variable] for candidate in inside)
        return variable

    def _variables_of(self, key: str, mask: int) -> list[int]:
        by_bit = self._variables[key]
        found = []
        while mask:
            lowest = mask & -mask
            found.append(by_bit[lowest])
            mask ^= lowest
        return found
