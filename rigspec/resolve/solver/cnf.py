"""Encode the problem as clauses for a SAT solver.

The releases of a component that no line and no rule of the problem distinguishes are one class.
The classes are in the order of preference, and a variable of each means "this class or one before
it" (the order encoding of Crawford and Baker, 1994): most rules are about ranges of versions, which
take two literals. A selector switches each requirement of the spec and each rule table. Under all
selectors the formula describes a valid rig, and a set of incompatible selectors is a conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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


# Encodings without lines, for the domains that the defaults of the language leave.
_MAX_CACHED = 8


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
    shared = problem.shared.rule_tables if problem.shared is not None else ()
    own = _restrict_tables(problem, problem.rule_tables[len(shared) :], domains, masks)
    encoding = _copy_shared(problem, domains) if shared else None
    if encoding is None or not encoding.split(masks):
        own = _restrict_tables(problem, problem.rule_tables, domains, masks)
        encoding = _encode_tables(problem, own, domains, masks)
        own = []
    for requirement, meant in lines:
        encoding.add_requirement(requirement, meant)
    for table, rules in own:
        encoding.add_rule_table(table, rules)
    return encoding


_Restricted = list[tuple[RuleTable, list[MergedRule]]]
_Masks = dict[str, dict[int, None]]


def _copy_shared(problem: Problem, domains: dict[str, int]) -> Encoding | None:
    """Return the encoding of the rule tables that other problems have as well."""
    if problem.shared is None:
        return None
    cache, key = problem.shared.cache, tuple(domains.items())
    known = cache.get(key)
    if not isinstance(known, Encoding):
        masks: _Masks = {each: {} for each in domains}
        rules = _restrict_tables(problem, problem.shared.rule_tables, domains, masks)
        known = _encode_tables(problem, rules, domains, masks)
        if len(cache) >= _MAX_CACHED:
            cache.clear()
        cache[key] = known
    return known.copy(problem.components)


def _encode_tables(
    problem: Problem, tables: _Restricted, domains: dict[str, int], masks: _Masks
) -> Encoding:
    encoding = Encoding()
    for component in problem.components:
        encoding.add_component(component, domains[component.key], masks[component.key])
    for table, rules in tables:
        encoding.add_rule_table(table, rules)
    return encoding


def _restrict_tables(
    problem: Problem, tables: Iterable[RuleTable], domains: dict[str, int], masks: _Masks
) -> _Restricted:
    return [
        (table, list(_restrict(_list_rules(problem, table), domains, masks))) for table in tables
    ]


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

    def copy(self, components: Iterable[Component]) -> Encoding:
        """Return an encoding that grows apart, of components with the same candidates."""
        return Encoding(
            list(self.clauses),
            dict(self.requirements),
            dict(self.rule_tables),
            self._top,
            dict(self._selectors),
            {each.key: self._choices[each.key].copy(each) for each in components},
            dict(self._conditions),
            dict(self._exclusions),
        )

    def split(self, masks: Mapping[str, Iterable[int]]) -> bool:
        """Make each class that masks divide two; return False where they divide it further."""
        for key, divided in masks.items():
            choices = self._choices[key]
            dividing = [mask for mask in divided if choices.complete(mask) != mask]
            if len(dividing) > 1:
                return False
            for mask in dividing:
                choices.split(mask, self.new_variable())
        return True

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

    def iterate_choices(
        self, key: str, wanted: Iterable[Candidate]
    ) -> Iterator[tuple[tuple[int, ...], Candidate]]:
        """Yield the literals that choose each candidate, in the order of ``wanted``.

        Of candidates of one class only the first is listed.
        """
        choices = self._choices[key]
        bit, parts = choices.component.universe.bit, choices.parts
        unseen = choices.domain
        for candidate in wanted:
            chosen = bit(candidate) & unseen
            if chosen:
                members, literals = next(part for part in parts if part[0] & chosen)
                unseen ^= members
                yield literals, candidate

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

    A variable means that the choice is in this class or in one before it. One more variable can
    mean that it is in ``inside``, which divides some of the classes.
    """

    def __init__(
        self, component: Component, domain: int, classes: list[int], bounds: list[int]
    ) -> None:
        self.component = component
        self.domain = domain
        self._classes = classes
        self._bounds = bounds
        self._inside = domain
        self._is_inside = 0

    def copy(self, component: Component) -> _Choices:
        """Return the same choices, to be split."""
        return _Choices(component, self.domain, self._classes, self._bounds)

    def split(self, inside: int, variable: int) -> None:
        """Distinguish the releases of ``inside``, by a variable, from others of their classes."""
        self._inside, self._is_inside = inside, variable

    @cached_property
    def parts(self) -> list[tuple[int, tuple[int, ...]]]:
        """Return the releases that nothing distinguishes, with the literals that choose them."""
        return [
            (part, (*self._list_literals(index, index), *divider))
            for index, members in enumerate(self._classes)
            for part, divider in self._divide(members)
        ]

    def list_ranges(self, meant: int) -> list[list[int]]:
        """Return the literals of each range of classes in a union of classes."""
        found = []
        start = None
        for index, members in enumerate(self._classes):
            common = members & meant
            if common == members:
                start = index if start is None else start
                continue
            if start is not None:
                found.append(self._list_literals(start, index - 1))
                start = None
            if common:
                divider = self._is_inside if common & self._inside else -self._is_inside
                found.append([*self._list_literals(index, index), divider])
        if start is not None:
            found.append(self._list_literals(start, len(self._classes) - 1))
        return found

    def complete(self, meant: int) -> int:
        """Return the classes that contain any of these releases."""
        found = 0
        for members in self._classes:
            common = members & meant
            if common and common != members:
                parts = (part for part, _ in self._divide(members))
                common = sum(part for part in parts if part & meant)
            found |= common
        return found

    def _divide(self, members: int) -> list[tuple[int, tuple[int, ...]]]:
        """Return the parts of a class with the literals that distinguish them."""
        inside = members & self._inside
        if inside in (0, members):
            return [(members, ())]
        return [(inside, (self._is_inside,)), (members ^ inside, (-self._is_inside,))]

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
