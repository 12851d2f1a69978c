"""Conflicts: the smallest sets of spec lines and fact rule tables that are incompatible."""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rigspec.resolve.conflicts.hitting_sets import find_smallest_core
from rigspec.resolve.problem.model import (
    BoundRule,
    MergedRule,
    Problem,
    Requirement,
    RuleTable,
    mask_rule,
)
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
    """Yield the conflicts of a problem that share no line of the spec, smallest first.

    Conflicts within one environment come before those between several: a search in all
    environments at once takes exponential time if many of them have a conflict.
    """
    spent: set[Requirement] = set()
    parts = tuple(_divide(problem))
    while parts:
        open_parts = []
        found = [(part, each) for part in parts for each in _search_alone(part, spent)]
        for part, (_, conflict) in sorted(found, key=lambda each: each[1][0]):
            lines = {each for each in conflict.requirements if each.path is not None}
            if spent.isdisjoint(lines):
                spent |= lines
                yield conflict
            elif part not in open_parts:
                open_parts.append(part)
        parts = tuple(open_parts)
    for _, conflict in _search(problem, encoding, session, spent):
        yield conflict


def _divide(problem: Problem) -> Iterator[Problem]:
    """Yield the problem of the machine with each environment, if there are several.

    Rules that relate environments to each other are in none of them.
    """
    envs = {component.key: component.env for component in problem.components}
    names = tuple(dict.fromkeys(env for env in envs.values() if env is not None))
    if len(names) < 2:
        return
    tables: dict[str, list[RuleTable]] = {name: [] for name in names}
    for table in problem.rule_tables:
        concerns = {envs[key] for key in table.keys} - {None}
        for name in names if not concerns else concerns if len(concerns) == 1 else ():
            tables[name or ""].append(table)
    for name in names:
        inside = {key for key, env in envs.items() if env in (None, name)}
        yield Problem(
            tuple(each for each in problem.components if each.key in inside),
            tuple(each for each in problem.requirements if each.component in inside),
            tuple(tables[name]),
            problem.order,
        )


def _search_alone(problem: Problem, spent: Collection[Requirement]) -> list[tuple[int, Conflict]]:
    encoding = encode(problem)
    with SolverSession(problem, encoding) as session:
        return list(_search(problem, encoding, session, spent))


def _search(
    problem: Problem, encoding: Encoding, session: SolverSession, spent: Collection[Requirement]
) -> Iterator[tuple[int, Conflict]]:
    """Yield conflicts without the spent lines, each with its weight, the lightest first."""
    # Defaults of the language are not lines to show.
    silent = [s for s, requirement in encoding.requirements.items() if requirement.path is None]
    granted = tuple(requirement for requirement in problem.requirements if requirement.path is None)
    left_out = {*silent, *(s for s, each in encoding.requirements.items() if each in spent)}
    live = [s for s in encoding.selectors if s not in left_out]
    corrections: list[int] = []
    while not session.satisfiable([*silent, *live]):
        weights = _weigh(encoding, live, granted)
        core = sorted(find_smallest_core(session, weights, silent, corrections))
        requirements = tuple(encoding.requirements[s] for s in core if s in encoding.requirements)
        rule_tables = tuple(encoding.rule_tables[s] for s in core if s in encoding.rule_tables)
        unspent = tuple(encoding.requirements[s] for s in live if s in encoding.requirements)
        conflict = _shortest_explanation(problem, requirements, granted, unspent, rule_tables)
        yield sum(weights[s] for s in core), conflict
        used = {s for s in live if encoding.requirements.get(s) in conflict.requirements}
        if not requirements or not used:
            # The rules and the defaults conflict without any line of the spec.
            return
        live = [selector for selector in live if selector not in used]
        # With fewer selectors, fewer need to be left out.
        used_bits = sum(1 << selector for selector in used)
        corrections = [each & ~used_bits for each in corrections]


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
        weights[selector] += table is not None and not defaults.isdisjoint(table.keys)
    return weights


def _components(row: BoundRule) -> tuple[str, ...]:
    return row.requires[0], *(key for key, _ in row.when)


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
    mentioned = {key for row in rows for key in _components(row)}
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


def _minimal_rules(
    problem: Problem,
    requirements: tuple[Requirement, ...],
    rule_tables: tuple[RuleTable, ...],
) -> tuple[BoundRule, ...]:
    """Return a minimal set of rules that contradicts the requirements, the first ones preferred.

    The last rule of the shortest contradicting prefix is needed; what it needs of the rules before
    it is found in the same way. That is what remains where rules are left out one by one from the
    end, in far fewer queries.
    """
    rows = [row for rule_table in rule_tables for row in rule_table.constraints]
    domains = _narrow(problem, requirements)
    rows = [row for row in rows if _is_reachable(problem, domains, row)]
    part = _build_part(problem, domains, [_build_table(problem, row) for row in rows], rows)
    encoding = encode(part)
    switches = list(encoding.rule_tables)
    with SolverSession(part, encoding) as session:
        if session.satisfiable(switches):
            return tuple(rows)
        needed = _find_needed(session, switches)
    return tuple(rows[number] for number in needed) or tuple(rows[:1])


def _build_table(problem: Problem, row: BoundRule) -> RuleTable:
    masked = mask_rule(row, problem.universes, None)
    return RuleTable("", (row,), (MergedRule(masked.when, masked.requires),))


def _find_needed(session: SolverSession, switches: Sequence[int]) -> list[int]:
    """Return the indexes of the last switches of the shortest prefixes that have no solution.

    The last query had none with all switches. A core that it found can rarely be shorter.
    """
    ends = {switch: end for end, switch in enumerate(switches, 1)}
    core, always = session.core(), dict[int, int]()
    while True:
        low, high = 0, _find_end(core, ends, always)
        middle = high - 1
        while low < high:
            if session.satisfiable([*always, *switches[:middle]]):
                low = middle + 1
            else:
                core = session.core()
                high = _find_end(core, ends, always)
            middle = (low + high) // 2
        if not high:
            return sorted(always.values())
        always[switches[high - 1]] = high - 1


def _find_end(core: Iterable[int], ends: Mapping[int, int], always: Container[int]) -> int:
    """Return the length of the shortest prefix with the switches of a core."""
    return max((ends[switch] for switch in core if switch not in always), default=0)


def is_satisfiable(
    problem: Problem, requirements: tuple[Requirement, ...], rows: Sequence[BoundRule]
) -> bool:
    """Return whether the requirements are compatible with these rules alone."""
    domains = _narrow(problem, requirements)
    part = _build_part(problem, domains, [RuleTable("", rows)], rows)
    encoding = encode(part)
    with SolverSession(part, encoding) as session:
        return session.satisfiable(encoding.selectors)


def _narrow(problem: Problem, requirements: Iterable[Requirement]) -> dict[str, int]:
    """Return the releases of each component that the requirements leave."""
    domains = {component.key: component.domain for component in problem.components}
    for requirement in requirements:
        component = problem.component(requirement.component)
        domains[component.key] &= component.mask(requirement.alternatives)
    return domains


def _build_part(
    problem: Problem,
    domains: Mapping[str, int],
    rule_tables: Iterable[RuleTable],
    rows: Iterable[BoundRule],
) -> Problem:
    """Return the problem of rules alone: the components that they mention, or that have none."""
    mentioned = {key for row in rows for key in _components(row)}
    components = tuple(
        replace(component, domain=domains[component.key])
        for component in problem.components
        if component.key in mentioned or not domains[component.key]
    )
    return Problem(components, (), tuple(rule_tables), problem.order)


def _is_reachable(problem: Problem, domains: Mapping[str, int], row: BoundRule) -> bool:
    """Return whether the rule's conditions can hold for the releases that are left."""
    return all(
        problem.component(key).mask(alternatives) & domains[key] for key, alternatives in row.when
    )
