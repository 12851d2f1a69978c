"""Conflicts: the smallest sets of spec lines and fact sheets that cannot hold together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pysat.examples.optux import OptUx
from pysat.formula import WCNF

from rigspec.resolve.encode import Encoding, encode
from rigspec.resolve.problem import Claim, Constraint, Problem, Sheet, admits
from rigspec.resolve.solve import SolverSession

__all__ = ["Conflict", "find_conflicts"]


@dataclass(frozen=True)
class Conflict:
    """Claims and sheets that cannot all hold; leave any one out and the rest can.

    ``rows`` are the constraints of the sheets that the proof needs, in the sheets' order.
    """

    claims: tuple[Claim, ...]
    sheets: tuple[Sheet, ...]
    rows: tuple[Constraint, ...]


def find_conflicts(
    problem: Problem, encoding: Encoding, session: SolverSession
) -> Iterator[Conflict]:
    """The conflicts of a problem that share no line of the spec, the smallest first."""
    live = list(encoding.selectors)
    while not session.satisfiable(live):
        core = _smallest_core(encoding, live)
        claims = tuple(encoding.claims[s] for s in core if s in encoding.claims)
        sheets = tuple(encoding.sheets[s] for s in core if s in encoding.sheets)
        yield Conflict(claims, sheets, _needed_rows(problem, claims, sheets))
        spent = {s for s in core if s in encoding.claims}
        if not spent:
            return
        live = [selector for selector in live if selector not in spent]


def _smallest_core(encoding: Encoding, live: list[int]) -> list[int]:
    """A smallest unsatisfiable subset of the live selectors, by implicit hitting sets."""
    formula = WCNF()
    for clause in encoding.clauses:
        formula.append(clause)
    for selector in live:
        formula.append([selector], weight=1)
    with OptUx(formula, solver="g4", unsorted=False) as finder:
        core = finder.compute()
    return sorted(live[index - 1] for index in core)


def _needed_rows(
    problem: Problem, claims: tuple[Claim, ...], sheets: tuple[Sheet, ...]
) -> tuple[Constraint, ...]:
    """The rows without which the claims could hold: those the allowed candidates run into."""
    rows = [row for sheet in sheets for row in sheet.constraints]
    needed = [row for row in rows if _touches(problem, claims, row)]
    for row in list(reversed(needed)):
        rest = [other for other in needed if other is not row]
        if len(needed) > 1 and not _possible(problem, claims, rest):
            needed = rest
    return tuple(needed)


def _possible(problem: Problem, claims: tuple[Claim, ...], rows: list[Constraint]) -> bool:
    """Whether the claims hold together with these rows alone."""
    part = Problem(problem.components, claims, (Sheet("rows", tuple(rows)),), problem.order)
    encoding = encode(part)
    with SolverSession(part, encoding) as session:
        return session.satisfiable(encoding.selectors)


def _touches(problem: Problem, claims: tuple[Claim, ...], row: Constraint) -> bool:
    """Whether the row's conditions can hold under the claims that are made of its components."""
    for key, alternatives in row.when:
        allowed = [
            candidate
            for candidate in problem.component(key).candidates
            if all(admits(c.alternatives, candidate) for c in claims if c.component == key)
        ]
        if not any(admits(alternatives, candidate) for candidate in allowed):
            return False
    return True
