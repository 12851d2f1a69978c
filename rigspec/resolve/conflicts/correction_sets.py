"""Repairs: the fewest lines of the spec to change, each change solved again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pysat.examples.lbx import LBX
from pysat.formula import WCNF

from rigspec.resolve.conflicts.edits import edited_value
from rigspec.resolve.problem.model import (
    Candidate,
    Component,
    Problem,
    Requirement,
    matches_any,
)
from rigspec.resolve.solver.cnf import Encoding, encode
from rigspec.resolve.solver.sat import SolverSession

__all__ = ["RequirementEdit", "correction_sets", "is_satisfiable_with"]

# How many ways out are worth a person's reading.
_OFFERED = 4
_TRIED = 16

# Who else could bring an interpreter, those first that take the least of the machine's time.
_BRINGERS = ("uv", "conda", "pyenv")


@dataclass(frozen=True)
class RequirementEdit:
    """A claim, and the text that would stand in its line."""

    claim: Requirement
    after: str

    @property
    def request(self) -> str:
        """What the changed line asks of its component."""
        return f"{self.claim.prefix} {self.after}".strip()


def correction_sets(
    problem: Problem, conflict: tuple[Requirement, ...]
) -> tuple[tuple[RequirementEdit, ...], ...]:
    """Ways out of a conflict, fewest changes first and then nearest to what was asked."""
    encoding = encode(problem)
    found: dict[tuple[RequirementEdit, ...], None] = {}
    for lines in _corrections(conflict, encoding):
        changes = _closest_solution(problem, encoding, lines)
        if changes is not None and is_satisfiable_with(problem, changes):
            found.setdefault(changes)
    # A line that is added leaves all as it was asked for.
    ordered = sorted(found, key=lambda changes: (len(changes), _rewrites(changes)))
    return tuple(ordered[:_OFFERED])


def is_satisfiable_with(problem: Problem, changes: tuple[RequirementEdit, ...]) -> bool:
    """Whether the spec so changed can hold."""
    changed = {change.claim: (change.request,) for change in changes}
    claims = tuple(replace(c, alternatives=changed.get(c, c.alternatives)) for c in problem.claims)
    mended = replace(problem, claims=claims)
    encoding = encode(mended)
    with SolverSession(mended, encoding) as session:
        return session.satisfiable(encoding.selectors)


def _rewrites(changes: tuple[RequirementEdit, ...]) -> int:
    return sum(change.claim.path is not None for change in changes)


def _corrections(
    conflict: tuple[Requirement, ...], encoding: Encoding
) -> Iterator[tuple[Requirement, ...]]:
    """Minimal sets of editable lines whose removal leaves a spec that can hold."""
    formula = WCNF()
    for clause in encoding.clauses:
        formula.append(clause)
    soft: list[Requirement] = []
    for selector, claim in encoding.claims.items():
        if claim.editable and claim.place is not None:
            soft.append(claim)
            formula.append([selector], weight=1)
        else:
            formula.append([selector])
    for selector in encoding.sheets:
        formula.append([selector])
    with LBX(formula, use_cld=True, solver_name="g4") as finder:
        for _ in range(_TRIED):
            indexes = finder.compute()
            if not indexes:
                return
            finder.block(indexes)
            lines = tuple(soft[index - 1] for index in sorted(indexes))
            # Where the spec is silent is part of every conflict, unsaid.
            if any(line in conflict or line.path is None for line in lines):
                yield lines


def _closest_solution(
    problem: Problem, encoding: Encoding, lines: tuple[Requirement, ...]
) -> tuple[RequirementEdit, ...] | None:
    """The solution without these lines that stays nearest to them, as changes to them."""
    relaxed = {selector for selector, claim in encoding.claims.items() if claim in lines}
    kept = [selector for selector in encoding.selectors if selector not in relaxed]
    near = {
        line.component: _candidates_by_distance(problem.component(line.component), line)
        for line in lines
    }
    ahead = replace(problem, order=(*near, *(key for key in problem.order if key not in near)))
    with SolverSession(ahead, encoding) as session:
        solution = session.newest(kept, near)
    if solution is None:
        return None
    texts = [edited_value(problem, line, solution) for line in lines]
    return (
        tuple(RequirementEdit(line, text) for line, text in zip(lines, texts, strict=True) if text)
        if all(texts)
        else None
    )


def _candidates_by_distance(component: Component, line: Requirement) -> tuple[Candidate, ...]:
    """The candidates that the line does not admit, the nearest to those it does first."""
    if component.name == "interpreter":
        return _alternative_providers(component, line)
    ranks = {
        index
        for index, candidate in enumerate(component.candidates)
        if matches_any(line.alternatives, candidate)
    }
    anchor = min(ranks, default=None)
    if anchor is None:
        return component.candidates
    indexed = [(i, c) for i, c in enumerate(component.candidates) if i not in ranks]
    family = component.candidates[anchor].family if component.families_apart else None
    indexed.sort(
        key=lambda pair: (family not in (None, pair[1].family), abs(pair[0] - anchor), pair[0])
    )
    return tuple(candidate for _, candidate in indexed) + tuple(
        component.candidates[i] for i in sorted(ranks)
    )


def _alternative_providers(component: Component, line: Requirement) -> tuple[Candidate, ...]:
    """Who else could bring the interpreter, in the order in which they are offered."""
    ranks = {word: rank for rank, word in enumerate(_BRINGERS)}

    def wanted(candidate: Candidate) -> tuple[bool, int]:
        return matches_any(line.alternatives, candidate), ranks.get(candidate.version, len(ranks))

    return tuple(sorted(component.candidates, key=wanted))
