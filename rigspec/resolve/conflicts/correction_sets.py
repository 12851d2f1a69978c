"""Correction sets: the fewest lines of the spec to change, each change solved again."""

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
_MAX_OFFERED = 4
_MAX_TRIED = 16

# Who else could bring an interpreter, those first that take the least of the machine's time.
_PROVIDERS = ("uv", "conda", "pyenv")


@dataclass(frozen=True)
class RequirementEdit:
    """A requirement and the new value of its line."""

    requirement: Requirement
    after: str

    @property
    def request(self) -> str:
        """Return the request of the edited line."""
        return f"{self.requirement.prefix} {self.after}".strip()


def correction_sets(
    problem: Problem, conflict: tuple[Requirement, ...]
) -> tuple[tuple[RequirementEdit, ...], ...]:
    """Return repairs of a conflict, fewest edits first and then closest to the request."""
    encoding = encode(problem)
    found: dict[tuple[RequirementEdit, ...], None] = {}
    for lines in _corrections(conflict, encoding):
        changes = _closest_solution(problem, encoding, lines)
        if changes is not None and is_satisfiable_with(problem, changes):
            found.setdefault(changes)
    # An added line leaves every request as it is.
    ordered = sorted(found, key=lambda changes: (len(changes), _rewrites(changes)))
    return tuple(ordered[:_MAX_OFFERED])


def is_satisfiable_with(problem: Problem, changes: tuple[RequirementEdit, ...]) -> bool:
    """Return whether the edited spec has a solution."""
    changed = {change.requirement: (change.request,) for change in changes}
    requirements = tuple(
        replace(c, alternatives=changed.get(c, c.alternatives)) for c in problem.requirements
    )
    changed_problem = replace(problem, requirements=requirements)
    encoding = encode(changed_problem)
    with SolverSession(changed_problem, encoding) as session:
        return session.satisfiable(encoding.selectors)


def _rewrites(changes: tuple[RequirementEdit, ...]) -> int:
    return sum(change.requirement.path is not None for change in changes)


def _corrections(
    conflict: tuple[Requirement, ...], encoding: Encoding
) -> Iterator[tuple[Requirement, ...]]:
    """Yield minimal sets of editable lines whose removal leaves a solvable spec."""
    formula = WCNF()
    for clause in encoding.clauses:
        formula.append(clause)
    soft: list[Requirement] = []
    for selector, requirement in encoding.requirements.items():
        if requirement.editable and requirement.place is not None:
            soft.append(requirement)
            formula.append([selector], weight=1)
        else:
            formula.append([selector])
    for selector in encoding.rule_tables:
        formula.append([selector])
    with LBX(formula, use_cld=True, solver_name="g4") as finder:
        for _ in range(_MAX_TRIED):
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
    """Return edits to these lines for the solution closest to them; None where there is none."""
    relaxed = {
        selector for selector, requirement in encoding.requirements.items() if requirement in lines
    }
    remaining = [selector for selector in encoding.selectors if selector not in relaxed]
    near = {
        line.component: _candidates_by_distance(problem.component(line.component), line)
        for line in lines
    }
    ahead = replace(problem, order=(*near, *(key for key in problem.order if key not in near)))
    with SolverSession(ahead, encoding) as session:
        solution = session.newest(remaining, near)
    if solution is None:
        return None
    texts = [edited_value(problem, line, solution) for line in lines]
    return (
        tuple(RequirementEdit(line, text) for line, text in zip(lines, texts, strict=True) if text)
        if all(texts)
        else None
    )


def _candidates_by_distance(component: Component, line: Requirement) -> tuple[Candidate, ...]:
    """Return the candidates that the line excludes, closest to the requested ones first."""
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
    rare = component.universe.on_request
    indexed.sort(
        key=lambda pair: (
            family not in (None, pair[1].family),
            pair[1] in rare,
            abs(pair[0] - anchor),
            pair[0],
        )
    )
    return tuple(candidate for _, candidate in indexed) + tuple(
        component.candidates[i] for i in sorted(ranks)
    )


def _alternative_providers(component: Component, line: Requirement) -> tuple[Candidate, ...]:
    """Return the other providers of the interpreter, in the order of offers."""
    ranks = {word: rank for rank, word in enumerate(_PROVIDERS)}

    def preference(candidate: Candidate) -> tuple[bool, int]:
        return matches_any(line.alternatives, candidate), ranks.get(candidate.version, len(ranks))

    return tuple(sorted(component.candidates, key=preference))
