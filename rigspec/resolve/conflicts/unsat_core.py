"""Conflicts: the smallest sets of spec lines and fact rule tables that are incompatible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rigspec.resolve.conflicts.hitting_sets import find_smallest_core
from rigspec.resolve.problem.model import BoundRule, Problem, Requirement, RuleTable
from rigspec.resolve.solver.cnf import Encoding, encode
from rigspec.resolve.solver.sat import SolverSession

__all__ = ["Conflict", "find_conflicts", "is_satisfiable"]

# Components whose defaults are a choice of rigspec: without them the conflict may not exist.
_DEFAULTS = frozenset({"provider"})

_HARDWARE = frozenset({"avx", "compute_capability", "driver", "glibc"})

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

    @property
    def is_about_hardware(self) -> bool:
        """Return whether a fact of the machine is involved, not only its software."""
        return any(row.rule.requires.component in _HARDWARE for row in self.rows)


def find_conflicts(
    problem: Problem, encoding: Encoding, session: SolverSession
) -> Iterator[Conflict]:
    """Yield the conflicts of a problem that share no line of the spec, smallest first."""
    # Defaults of the language are not lines to show.
    silent = [s for s, requirement in encoding.requirements.items() if requirement.path is None]
    granted = tuple(encoding.requirements[s] for s in silent)
    live = [s for s in encoding.selectors if s not in silent]
    while not session.satisfiable([*silent, *live]):
        core = sorted(find_smallest_core(session, _weigh(encoding, live, granted), silent))
        requirements = tuple(encoding.requirements[s] for s in core if s in encoding.requirements)
        rule_tables = tuple(encoding.rule_tables[s] for s in core if s in encoding.rule_tables)
        unspent = tuple(encoding.requirements[s] for s in live if s in encoding.requirements)
        conflict = _shortest_explanation(session, requirements, granted, unspent, rule_tables)
        yield conflict
        spent = {s for s in live if encoding.requirements.get(s) in conflict.requirements}
        if not requirements or not spent:
            # The rules and the defaults conflict without any line of the spec.
            return
        live = [selector for selector in live if selector not in spent]


def _weigh(
    encoding: Encoding, live: Sequence[int], granted: Iterable[Requirement]
) -> dict[int, int]:
    """Return the weights of selectors: a rule table about a default weighs a little more.

    Of cores as small, the one of the last lines is found, and of these the one of the first tables.
    """
    tables = [selector for selector in live if selector in encoding.rule_tables]
    lines = [selector for selector in live if selector in encoding.requirements]
    defaults = {requirement.component for requirement in granted} & _DEFAULTS
    weights = dict.fromkeys((*lines, *reversed(tables)), _WEIGHT)
    for selector in weights if defaults else ():
        table = encoding.rule_tables.get(selector)
        rows = table.constraints if table is not None else ()
        weights[selector] += any(key in defaults for row in rows for key in _components(row))
    return weights


def _components(row: BoundRule) -> tuple[str, ...]:
    return row.requires[0], *(key for key, _ in row.when)


def _shortest_explanation(
    session: SolverSession,
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
    rows = _minimal_rules(session, (*requirements, *granted), rule_tables)
    mentioned = {key for row in rows for key in _components(row)}
    for requirement in unspent:
        if requirement.component in mentioned and requirement not in requirements:
            fewer = _minimal_rules(session, (*requirements, requirement, *granted), rule_tables)
            if len(fewer) + 1 < len(rows):
                requirements, rows = (
                    _needed_requirements(session, (*requirements, requirement), granted, fewer),
                    fewer,
                )
    ordered = tuple(
        requirement for requirement in session.problem.requirements if requirement in requirements
    )
    used = {row.rule.id for row in rows}
    needed = tuple(s for s in rule_tables if any(row.rule.id in used for row in s.constraints))
    return Conflict(ordered, needed, rows)


def _needed_requirements(
    session: SolverSession,
    requirements: tuple[Requirement, ...],
    granted: tuple[Requirement, ...],
    rows: tuple[BoundRule, ...],
) -> tuple[Requirement, ...]:
    """Return the requirements that contradict these rules."""
    encoding = session.encoding
    always = [*encoding.select(granted), *map(encoding.rule_selector, rows)]
    for requirement in requirements:
        rest = tuple(other for other in requirements if other is not requirement)
        if rest and not session.satisfiable([*encoding.select(rest), *always]):
            requirements = rest
    return requirements


def _minimal_rules(
    session: SolverSession,
    requirements: tuple[Requirement, ...],
    rule_tables: tuple[RuleTable, ...],
) -> tuple[BoundRule, ...]:
    """Return a minimal set of rules that contradicts the requirements, the first ones preferred.

    The last rule of the shortest contradicting prefix is needed; what it needs of the rules before
    it is found in the same way. That is what remains where rules are left out one by one from the
    end, in far fewer queries.
    """
    rows = [row for rule_table in rule_tables for row in rule_table.constraints]
    rows = [row for row in rows if _is_reachable(session.problem, requirements, row)]
    switches = [session.encoding.rule_selector(row) for row in rows]
    always = session.encoding.select(requirements)
    if session.satisfiable([*always, *switches]):
        return tuple(rows)
    needed: list[BoundRule] = []
    end = len(rows)
    while end := _shortest_prefix(session, always, switches[:end]):
        needed.insert(0, rows[end - 1])
        always.append(switches[end - 1])
        end -= 1
    return tuple(needed or rows[:1])


def _shortest_prefix(session: SolverSession, always: list[int], switches: list[int]) -> int:
    """Return the length of the shortest prefix of the switches that has no solution."""
    low, high = 0, len(switches)
    while low < high:
        middle = (low + high) // 2
        if session.satisfiable([*always, *switches[:middle]]):
            low = middle + 1
        else:
            core = {*session.core()}
            high = next((i for i in range(middle, 0, -1) if switches[i - 1] in core), 0)
    return high


def is_satisfiable(
    problem: Problem, requirements: tuple[Requirement, ...], rows: Sequence[BoundRule]
) -> bool:
    """Return whether the requirements are compatible with these rules alone."""
    part = _part(problem, requirements, rows)
    encoding = encode(part)
    with SolverSession(part, encoding) as session:
        return session.satisfiable(encoding.selectors)


def _part(
    problem: Problem, requirements: tuple[Requirement, ...], rows: Sequence[BoundRule]
) -> Problem:
    """Return the problem of these requirements and rules, with their components."""
    keys = {key for row in rows for key in _components(row)}
    keys |= {requirement.component for requirement in requirements}
    spoken_of = tuple(component for component in problem.components if component.key in keys)
    return Problem(spoken_of, requirements, (RuleTable("", tuple(rows)),), problem.order)


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
