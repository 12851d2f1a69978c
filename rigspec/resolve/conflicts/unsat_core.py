"""Conflicts: the smallest sets of spec lines and fact rule tables that are incompatible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pysat.examples.optux import OptUx
from pysat.formula import WCNF

from rigspec.resolve.problem.model import BoundRule, Problem, Requirement, RuleTable
from rigspec.resolve.solver.cnf import Encoding, encode
from rigspec.resolve.solver.sat import SolverSession

__all__ = ["Conflict", "find_conflicts", "is_satisfiable"]

# Components whose defaults are a choice of rigspec: without them the conflict may not exist.
_DEFAULTS = frozenset({"provider"})

# The weight of a selector, so large that the number of selectors decides first.
_WEIGHT = 64


@dataclass(frozen=True)
class Conflict:
    """Requirements and rule tables that are incompatible; without any one the rest is possible.

    ``rows`` are the constraints of the rule tables that the proof needs, in the rule tables' order.
    """

    requirements: tuple[Requirement, ...]
    rule_tables: tuple[RuleTable, ...]
    rows: tuple[BoundRule, ...]


def find_conflicts(
    problem: Problem, encoding: Encoding, session: SolverSession
) -> Iterator[Conflict]:
    """Yield the conflicts of a problem that share no line of the spec, smallest first."""
    # Defaults of the language are not lines to show.
    silent = [s for s, requirement in encoding.requirements.items() if requirement.path is None]
    granted = tuple(encoding.requirements[s] for s in silent)
    live = [s for s in encoding.selectors if s not in silent]
    while not session.satisfiable([*silent, *live]):
        core = _smallest_core(encoding, live, silent)
        requirements = tuple(encoding.requirements[s] for s in core if s in encoding.requirements)
        rule_tables = tuple(encoding.rule_tables[s] for s in core if s in encoding.rule_tables)
        unspent = tuple(encoding.requirements[s] for s in live if s in encoding.requirements)
        conflict = _shortest_explanation(problem, requirements, granted, unspent, rule_tables)
        yield conflict
        spent = {s for s in live if encoding.requirements.get(s) in conflict.requirements}
        if not requirements or not spent:
            # The rules and the defaults conflict without any line of the spec.
            return
        live = [selector for selector in live if selector not in spent]


def _shortest_explanation(
    problem: Problem,
    requirements: tuple[Requirement, ...],
    granted: tuple[Requirement, ...],
    unspent: tuple[Requirement, ...],
    rule_tables: tuple[RuleTable, ...],
) -> Conflict:
    """Return the conflict with the lines that give the shortest explanation.

    To prove that no release of a framework fits a toolkit takes all of its rules; with the line
    that requests one release, one rule is enough. Lines of other conflicts are not used, and
    requirements that a further line makes redundant are left out.
    """
    rows = _minimal_rules(problem, (*requirements, *granted), rule_tables)
    mentioned = {key for row in rows for key in (row.requires[0], *dict(row.when))}
    for requirement in unspent:
        if requirement.component in mentioned and requirement not in requirements:
            fewer = _minimal_rules(problem, (*requirements, requirement, *granted), rule_tables)
            if len(fewer) + 1 < len(rows):
                requirements, rows = (
                    _needed_requirements(problem, (*requirements, requirement), granted, fewer),
                    fewer,
                )
    ordered = tuple(
        requirement for requirement in problem.requirements if requirement in requirements
    )
    used = {row.rule.id for row in rows}
    needed = tuple(s for s in rule_tables if any(row.rule.id in used for row in s.constraints))
    return Conflict(ordered, needed, rows)


def _needed_requirements(
    problem: Problem,
    requirements: tuple[Requirement, ...],
    granted: tuple[Requirement, ...],
    rows: tuple[BoundRule, ...],
) -> tuple[Requirement, ...]:
    """Return the requirements that contradict these rules."""
    for requirement in requirements:
        rest = tuple(other for other in requirements if other is not requirement)
        if rest and not is_satisfiable(problem, (*rest, *granted), rows):
            requirements = rest
    return requirements


def _smallest_core(encoding: Encoding, live: list[int], granted: list[int]) -> list[int]:
    """Return a smallest unsatisfiable subset of the live selectors, by implicit hitting sets.

    Of several as small, one that does not depend on a default of the language.
    """
    formula = WCNF()
    for clause in encoding.clauses:
        formula.append(clause)
    for selector in granted:
        formula.append([selector])
    defaults = {encoding.requirements[selector].component for selector in granted} & _DEFAULTS
    for selector in live:
        table = encoding.rule_tables.get(selector)
        formula.append([selector], weight=_weight(table, defaults))
    with OptUx(formula, solver="g4", unsorted=False) as finder:
        core = finder.compute()
    return sorted(live[index - 1] for index in core)


def _weight(table: RuleTable | None, defaults: set[str]) -> int:
    """Return the weight of a selector: a table about a default weighs a little more."""
    if table is None or not defaults:
        return _WEIGHT
    keys = {key for row in table.constraints for key in (row.requires[0], *dict(row.when))}
    return _WEIGHT + bool(keys & defaults)


def _minimal_rules(
    problem: Problem, requirements: tuple[Requirement, ...], rule_tables: tuple[RuleTable, ...]
) -> tuple[BoundRule, ...]:
    """Return a minimal set of rules that contradicts the requirements."""
    rows = [row for rule_table in rule_tables for row in rule_table.constraints]
    needed = [row for row in rows if _is_reachable(problem, requirements, row)]
    # Each rule is a separate table here, so that one solver can test any of them.
    part = _part(problem, requirements, [(row,) for row in needed])
    encoding = encode(part)
    switches = list(encoding.rule_tables)
    with SolverSession(part, encoding) as session:
        for switch in reversed(list(encoding.rule_tables)):
            rest = [other for other in switches if other != switch]
            if rest and not session.satisfiable([*encoding.requirements, *rest]):
                switches = rest
    return tuple(encoding.rule_tables[switch].constraints[0] for switch in switches)


def is_satisfiable(
    problem: Problem, requirements: tuple[Requirement, ...], rows: Sequence[BoundRule]
) -> bool:
    """Return whether the requirements are compatible with these rules alone."""
    part = _part(problem, requirements, [rows])
    encoding = encode(part)
    with SolverSession(part, encoding) as session:
        return session.satisfiable(encoding.selectors)


def _part(
    problem: Problem,
    requirements: tuple[Requirement, ...],
    rule_tables: Sequence[Sequence[BoundRule]],
) -> Problem:
    """Return the problem of these requirements and rules, with their components."""
    keys = {
        key for rows in rule_tables for row in rows for key in (row.requires[0], *dict(row.when))
    }
    keys |= {requirement.component for requirement in requirements}
    spoken_of = tuple(component for component in problem.components if component.key in keys)
    parts = tuple(RuleTable(str(index), tuple(rows)) for index, rows in enumerate(rule_tables))
    return Problem(spoken_of, requirements, parts, problem.order)


def _is_reachable(problem: Problem, requirements: tuple[Requirement, ...], row: BoundRule) -> bool:
    """Return whether the rule's conditions can hold under the requirements."""
    for key, alternatives in row.when:
        component = problem.component(key)
        left = component.mask(alternatives)
        for requirement in requirements:
            if requirement.component == key:
                left &= component.mask(requirement.alternatives)
        if not left:
            return False
    return True
