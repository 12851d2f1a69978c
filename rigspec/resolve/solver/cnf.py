"""Encode the problem as clauses for a SAT solver.

The releases of a component that no line and no rule of the problem distinguishes are one class.
The classes are in the order of preference, and a variable of each means "this class or one before
it" (the order encoding of Crawford and Baker, 1994): most rules are about ranges of versions, which
take two literals. A selector switches each requirement of the spec and each rule table. Under all
selectors the formula describes a valid rig, and a set of incompatible selectors is a conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

from rigspec.resolve.problem.merged_rules import merge_bound_rules
from rigspec.resolve.problem.model import (
    Candidate,
    Component,
    MergedRule,
    Problem,
    Requirement,
    RuleTable,
)

__all__ = ["Encoding", "encode"]


def encode(problem: Problem) -> Encoding:
    """Return the clauses of a problem, always in the same order for the same problem.

    Requirements that are defaults of the language, and no lines that could be changed or added,
    have no selectors: they always apply.
    """
    domains = {component.key: component.domain for component in problem.components}
    lines = []
    for requirement in problem.requirements:
        meant = problem.component(requirement.component).mask(requirement.alternatives)
        if requirement.place is None:
            domains[requirement.component] &= meant
        else:
            lines.append((requirement, meant))
    masks: dict[str, dict[int, None]] = {key: {} for key in domains}
    for requirement, meant in lines:
        masks[requirement.component][domains[requirement.component] & meant] = None
    tables = [
        (table, list(_restrict(_list_rules(problem, table), domains, masks)))
        for table in problem.rule_tables
    ]
    encoding = Encoding()
    for component in problem.components:
        key = component.key
        encoding.add_component(component, domains[key], masks[key])
    for requirement, meant in lines:
        encoding.add_requirement(requirement, meant)
    for table, rules in tables:
        encoding.add_rule_table(table, rules)
    return encoding


def _list_rules(problem: Problem, table: RuleTable) -> Sequence[MergedRule]:
    if table.merged is not None:
        return table.merged
    return merge_bound_rules(table.constraints, problem.universes)


def _restrict(
    rules: Iterable[MergedRule], domains: dict[str, int], masks: dict[str, dict[int, None]]
) -> Iterator[MergedRule]:
    """Yield rules that can apply and exclude something; ``masks`` get what they distinguish."""
    for when, (required, goal) in rules:
        domain = domains[required]
        outside = domain & ~goal
        if not outside:
            continue
        conditions = []
        for key, mask in when:
            meant = mask & domains[key]
            if not meant:
                break
            if meant != domains[key]:
                conditions.append((key, meant))
        else:
            for key, meant in conditions:
                masks[key][meant] = None
            masks[required][outside] = None
            yield MergedRule(tuple(conditions), (required, goal & domain))


@dataclass
class Encoding:
    """Clauses and the meaning of their variables, which are positive integers.

    It can grow: a session loads the clauses that were added since its last query.
    """

    clauses: list[list[int]] = field(default_factory=list)
    requirements: dict[int, Requirement] = field(default_factory=dict)
    rule_tables: dict[int, RuleTable] = field(default_factory=dict)
    _top: int = 0
    # By identity: requirements are compared field by field.
    _selectors: dict[int, int] = field(default_factory=dict)
    _choices: dict[str, _Choices] = field(default_factory=dict)
    _conditions: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    _exclusions: dict[tuple[str, int], list[list[int]]] = field(default_factory=dict)

    @property
    def selectors(self) -> list[int]:
        """Return every selector, requirements first, in the order of the problem."""
        return [*self.requirements, *self.rule_tables]

    def new_variable(self) -> int:
        """Return a variable that no clause has yet."""
        self._top += 1
        return self._top

    def add_component(self, component: Component, domain: int, masks: Iterable[int]) -> None:
        """Add the candidates of a component in ``domain``, which the ``masks`` distinguish."""
        classes = _partition(domain, masks)
        bounds = [self.new_variable() for _ in classes[1:]]
        self._choices[component.key] = _Choices(component, domain, classes, bounds)
        self.clauses.extend([-one, following] for one, following in pairwise(bounds))
        if not classes:
            self.clauses.append([])

    def add_requirement(self, requirement: Requirement, meant: int) -> None:
        """Add a requirement with a selector; ``meant`` are the releases that it admits."""
        selector = self.new_variable()
        self.requirements[selector] = requirement
        self._selectors[id(requirement)] = selector
        self._require([-selector], requirement.component, meant)

    def add_rule_table(self, table: RuleTable, rules: Iterable[MergedRule]) -> None:
        """Add the rules of a table with a selector."""
        selector = self.new_variable()
        self.rule_tables[selector] = table
        for when, (required, goal) in rules:
            conditions = [-selector]
            for key, meant in when:
                conditions += [-literal for literal in self._condition(key, meant)]
            self._require(conditions, required, goal)

    def goal(self, key: str, requests: Iterable[str]) -> int:
        """Return a literal that forces the component to match each of the requests."""
        choices = self._choices[key]
        meant = choices.domain
        for text in requests:
            meant &= choices.component.mask((text,))
        literal = self.new_variable()
        # Of releases that nothing distinguishes, one that matches is enough.
        self._require([-literal], key, choices.complete(meant))
        return literal

    def select(self, requirements: Iterable[Requirement]) -> list[int]:
        """Return the selectors of requirements of this problem, of those that have one."""
        found = (self._selectors.get(id(requirement)) for requirement in requirements)
        return [selector for selector in found if selector is not None]

    def list_choices(
        self, key: str, wanted: Iterable[Candidate]
    ) -> dict[tuple[int, ...], Candidate]:
        """Return the literals that choose each candidate, in the order of ``wanted``.

        Of candidates of one class only the first is listed.
        """
        choices = self._choices[key]
        universe = choices.component.universe
        found: dict[tuple[int, ...], Candidate] = {}
        for candidate in wanted:
            literals = choices.by_bit.get(universe.bit(candidate))
            if literals is not None:
                found.setdefault(literals, candidate)
        return found

    def _require(self, conditions: list[int], key: str, meant: int) -> None:
        """Add clauses: under conditions, whose negations these are, one of these releases."""
        outside = self._choices[key].domain & ~meant
        known = self._exclusions.get((key, outside))
        if known is None:
            ranges = self._choices[key].list_ranges(outside)
            known = [[-literal for literal in each] for each in ranges]
            self._exclusions[key, outside] = known
        self.clauses.extend([*conditions, *each] for each in known)

    def _condition(self, key: str, meant: int) -> list[int]:
        """Return literals that are all true if the component takes one of these releases."""
        known = self._conditions.get((key, meant))
        if known is not None:
            return known
        ranges = self._choices[key].list_ranges(meant)
        if len(ranges) == 1:
            (found,) = ranges
        else:
            found = [self.new_variable()]
            self.clauses.extend([*found, *(-literal for literal in each)] for each in ranges)
        self._conditions[key, meant] = found
        return found


class _Choices:
    """The classes of a component's releases; ``bounds`` has a variable for each but the last.

    A variable means that the choice is in this class or in one before it.
    """

    def __init__(
        self, component: Component, domain: int, classes: list[int], bounds: list[int]
    ) -> None:
        self.component = component
        self.domain = domain
        self._classes = classes
        self._bounds = bounds

    @cached_property
    def by_bit(self) -> dict[int, tuple[int, ...]]:
        """Return the literals that choose each release, as a bit of its universe."""
        found = {}
        for index, members in enumerate(self._classes):
            literals = tuple(self._list_literals(index, index))
            while members:
                lowest = members & -members
                found[lowest] = literals
                members ^= lowest
        return found

    def list_ranges(self, meant: int) -> list[list[int]]:
        """Return the literals of each range of classes in a union of classes."""
        found = []
        start = None
        for index, members in enumerate(self._classes):
            if members & meant:
                start = index if start is None else start
            elif start is not None:
                found.append(self._list_literals(start, index - 1))
                start = None
        if start is not None:
            found.append(self._list_literals(start, len(self._classes) - 1))
        return found

    def complete(self, meant: int) -> int:
        """Return the classes that contain any of these releases."""
        found = 0
        for members in self._classes:
            if members & meant:
                found |= members
        return found

    def _list_literals(self, first: int, last: int) -> list[int]:
        literals = self._bounds[last : last + 1]
        return [*literals, -self._bounds[first - 1]] if first else literals


def _partition(domain: int, masks: Iterable[int]) -> list[int]:
    """Return the classes of releases that no mask distinguishes, the most preferred first."""
    classes = [domain] if domain else []
    for mask in masks:
        refined: list[int] = []
        for members in classes:
            inside = members & mask
            if inside and inside != members:
                refined += (inside, members ^ inside)
            else:
                refined.append(members)
        classes = refined
    return sorted(classes, key=lambda members: members & -members)
