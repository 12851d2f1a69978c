"""Conflicts: the smallest sets of spec lines and fact sheets that cannot hold together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pysat.examples.optux import OptUx
from pysat.formula import WCNF

from rigspec.resolve.problem.model import BoundRule, Problem, Requirement, RuleTable
from rigspec.resolve.solver.cnf import Encoding, encode
from rigspec.resolve.solver.sat import SolverSession

__all__ = ["Conflict", "find_conflicts", "is_satisfiable"]


@dataclass(frozen=True)
class Conflict:
    """Claims and sheets that cannot all hold; leave any one out and the rest can.

    ``rows`` are the constraints of the sheets that the proof needs, in the sheets' order.
    """

    claims: tuple[Requirement, ...]
    sheets: tuple[RuleTable, ...]
    rows: tuple[BoundRule, ...]


def find_conflicts(
    problem: Problem, encoding: Encoding, session: SolverSession
) -> Iterator[Conflict]:
    """The conflicts of a problem that share no line of the spec, the smallest first."""
    # What holds because the spec is silent is no line to show: it is taken for granted.
    silent = [s for s, claim in encoding.claims.items() if claim.path is None]
    granted = tuple(encoding.claims[s] for s in silent)
    live = [s for s in encoding.selectors if s not in silent]
    while not session.satisfiable([*silent, *live]):
        core = _smallest_core(encoding, live, silent)
        claims = tuple(encoding.claims[s] for s in core if s in encoding.claims)
        sheets = tuple(encoding.sheets[s] for s in core if s in encoding.sheets)
        unspent = tuple(encoding.claims[s] for s in live if s in encoding.claims)
        conflict = _shortest_explanation(problem, claims, granted, unspent, sheets)
        yield conflict
        spent = {s for s in live if encoding.claims.get(s) in conflict.claims}
        if not claims or not spent:
            # The facts and what the spec is silent about collide without any line of it.
            return
        live = [selector for selector in live if selector not in spent]


def _shortest_explanation(
    problem: Problem,
    claims: tuple[Requirement, ...],
    granted: tuple[Requirement, ...],
    unspent: tuple[Requirement, ...],
    sheets: tuple[RuleTable, ...],
) -> Conflict:
    """The conflict with the lines that make it shortest to tell.

    That no release of a framework goes with a toolkit takes all of its rows to prove; beside the
    line that asks for one release, one row is enough. Lines of another conflict are none of this
    one's, and what a further line makes needless is left out.
    """
    rows = _minimal_rules(problem, (*claims, *granted), sheets)
    mentioned = {key for row in rows for key in (row.must[0], *dict(row.when))}
    for claim in unspent:
        if claim.component in mentioned and claim not in claims:
            fewer = _minimal_rules(problem, (*claims, claim, *granted), sheets)
            if len(fewer) + 1 < len(rows):
                claims, rows = _needed_claims(problem, (*claims, claim), granted, fewer), fewer
    ordered = tuple(claim for claim in problem.claims if claim in claims)
    used = {row.rule.id for row in rows}
    needed = tuple(s for s in sheets if any(row.rule.id in used for row in s.constraints))
    return Conflict(ordered, needed, rows)


def _needed_claims(
    problem: Problem,
    claims: tuple[Requirement, ...],
    granted: tuple[Requirement, ...],
    rows: tuple[BoundRule, ...],
) -> tuple[Requirement, ...]:
    """The claims without which these rows could hold."""
    for claim in claims:
        rest = tuple(other for other in claims if other is not claim)
        if rest and not is_satisfiable(problem, (*rest, *granted), rows):
            claims = rest
    return claims


def _smallest_core(encoding: Encoding, live: list[int], granted: list[int]) -> list[int]:
    """A smallest unsatisfiable subset of the live selectors, by implicit hitting sets."""
    formula = WCNF()
    for clause in encoding.clauses:
        formula.append(clause)
    for selector in granted:
        formula.append([selector])
    for selector in live:
        formula.append([selector], weight=1)
    with OptUx(formula, solver="g4", unsorted=False) as finder:
        core = finder.compute()
    return sorted(live[index - 1] for index in core)


def _minimal_rules(
    problem: Problem, claims: tuple[Requirement, ...], sheets: tuple[RuleTable, ...]
) -> tuple[BoundRule, ...]:
    """The rows without which the claims could hold: those the allowed candidates run into."""
    rows = [row for sheet in sheets for row in sheet.constraints]
    needed = [row for row in rows if _is_reachable(problem, claims, row)]
    # Each row is a sheet of its own here: one solver can be asked about any of them.
    part = _part(problem, claims, [(row,) for row in needed])
    encoding = encode(part)
    switches = list(encoding.sheets)
    with SolverSession(part, encoding) as session:
        for switch in reversed(list(encoding.sheets)):
            rest = [other for other in switches if other != switch]
            if rest and not session.satisfiable([*encoding.claims, *rest]):
                switches = rest
    return tuple(encoding.sheets[switch].constraints[0] for switch in switches)


def is_satisfiable(
    problem: Problem, claims: tuple[Requirement, ...], rows: Sequence[BoundRule]
) -> bool:
    """Whether the claims hold together with these rows alone."""
    part = _part(problem, claims, [rows])
    encoding = encode(part)
    with SolverSession(part, encoding) as session:
        return session.satisfiable(encoding.selectors)


def _part(
    problem: Problem, claims: tuple[Requirement, ...], sheets: Sequence[Sequence[BoundRule]]
) -> Problem:
    """The problem of these claims and rows, with the components that they speak of."""
    keys = {key for rows in sheets for row in rows for key in (row.must[0], *dict(row.when))}
    keys |= {claim.component for claim in claims}
    spoken_of = tuple(component for component in problem.components if component.key in keys)
    parts = tuple(RuleTable(str(index), tuple(rows)) for index, rows in enumerate(sheets))
    return Problem(spoken_of, claims, parts, problem.order)


def _is_reachable(problem: Problem, claims: tuple[Requirement, ...], row: BoundRule) -> bool:
    """Whether the row's conditions can hold under the claims that are made of its components."""
    for key, alternatives in row.when:
        component = problem.component(key)
        left = component.mask(alternatives)
        for claim in claims:
            if claim.component == key:
                left &= component.mask(claim.alternatives)
        if not left:
            return False
    return True
