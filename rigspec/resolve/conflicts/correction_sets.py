"""Correction sets: the fewest lines of the spec to change, each change solved again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from packaging.version import Version

from rigspec.resolve.conflicts.edits import edit_value, list_named_versions
from rigspec.resolve.conflicts.hitting_sets import iterate_correction_sets
from rigspec.resolve.problem.model import (
    Candidate,
    Component,
    Problem,
    Requirement,
    matches_any,
)
from rigspec.resolve.solver.cnf import Encoding
from rigspec.resolve.solver.sat import Solution, SolverSession
from rigspec.version_specifiers import parse_version

__all__ = ["RequirementEdit", "find_correction_sets", "is_satisfiable_with"]

# How many ways out are worth a person's reading.
_MAX_OFFERED = 4
_MAX_TRIED = 16

_MAX_CACHED = 64

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


def find_correction_sets(
    session: SolverSession, problem: Problem, conflict: tuple[Requirement, ...], least: int = 1
) -> Iterator[tuple[RequirementEdit, ...]]:
    """Yield repairs of a conflict, fewest edits first and then closest to the request.

    Args:
        session: the solver.
        problem: the problem of the session, or this with fewer requirements.
        conflict: the lines that exclude each other.
        least: the number of conflicts that share no line, each of which needs an edit.
    """
    left = _MAX_OFFERED
    for sets in _corrections(session, problem, least):
        found: dict[tuple[RequirementEdit, ...], None] = {}
        for lines in sets:
            # Where the spec is silent is part of every conflict, unsaid.
            if any(line in conflict or line.path is None for line in lines):
                changes = _find_edits(session, problem, lines)
                if changes is not None:
                    found.setdefault(changes)
        # An added line leaves every request as it is.
        yield from sorted(found, key=_rewrites)[:left]
        left -= len(found)
        if left <= 0:
            return


def is_satisfiable_with(
    session: SolverSession, problem: Problem, changes: tuple[RequirementEdit, ...]
) -> bool:
    """Return whether the edited spec has a solution."""
    encoding = session.encoding
    requests: dict[str, list[str]] = {}
    for change in changes:
        requests.setdefault(change.requirement.component, []).append(change.request)
    goals = [encoding.goal(component, texts) for component, texts in requests.items()]
    remaining = _select_others(encoding, problem, [change.requirement for change in changes])
    return session.satisfiable([*remaining, *goals, *encoding.rule_tables])


def _rewrites(changes: tuple[RequirementEdit, ...]) -> int:
    return sum(change.requirement.path is not None for change in changes)


def _corrections(
    session: SolverSession, problem: Problem, least: int
) -> Iterator[list[tuple[Requirement, ...]]]:
    """Yield minimal sets of editable lines whose removal leaves a solvable spec, by size."""
    encoding = session.encoding
    editable = [line for line in problem.requirements if line.editable and line.place is not None]
    soft = encoding.select(editable)
    given = encoding.select(line for line in problem.requirements if not line.editable)
    hard = [*encoding.rule_tables, *given]
    tried = 0
    for sets in iterate_correction_sets(session, soft, hard, least):
        yield [tuple(encoding.requirements[s] for s in each) for each in sets]
        tried += len(sets)
        if tried >= _MAX_TRIED:
            return


def _find_edits(
    session: SolverSession, problem: Problem, lines: tuple[Requirement, ...]
) -> tuple[RequirementEdit, ...] | None:
    """Return edits to these lines for the solution closest to them; None where there is none."""
    encoding = session.encoding
    near = {line.component: _candidates_by_distance(problem, line) for line in lines}
    # Only a version of a package whose releases no table lists depends on the other choices.
    others = problem.order if any(problem.component(key).has_ranges for key in near) else ()
    order = (*near, *(key for key in others if key not in near))
    remaining = _select_others(encoding, problem, lines)
    solution = session.newest([*remaining, *encoding.rule_tables], near, order)
    if solution is None:
        return None
    changes = []
    for line in lines:
        text = edit_value(problem, line, solution)
        if not text:
            return None
        changes.append(RequirementEdit(line, text))
    found = tuple(changes)
    if _admits(problem, found, solution) or is_satisfiable_with(session, problem, found):
        return found
    return None


def _select_others(encoding: Encoding, problem: Problem, lines: Sequence[Requirement]) -> list[int]:
    """Return the selectors of the requirements of a problem without these lines."""
    changed = set(encoding.select(lines))
    return [each for each in encoding.select(problem.requirements) if each not in changed]


def _admits(problem: Problem, changes: tuple[RequirementEdit, ...], solution: Solution) -> bool:
    """Return whether the edited lines admit what the solution has."""
    return all(
        problem.universes[key].admits((change.request,), solution[key])
        for key, change in ((change.requirement.component, change) for change in changes)
    )


def _candidates_by_distance(problem: Problem, line: Requirement) -> tuple[Candidate, ...]:
    """Return the candidates that the line excludes, closest to the requested ones first.

    The releases of a package that rules name come before those between them.
    """
    component = problem.component(line.component)
    if component.name == "interpreter":
        return _alternative_providers(component, line)
    admitted = component.mask(line.alternatives)
    if not admitted:
        return component.candidates
    if component.has_ranges:
        return _sort_by_distance(component, admitted, list_named_versions(problem, component))
    # The order depends on the matrix and on the line alone.
    known, key = component.universe.orders, (component.domain, admitted, component.families_apart)
    if key not in known:
        if len(known) >= _MAX_CACHED:
            known.clear()
        known[key] = _sort_by_distance(component, admitted, frozenset())
    return known[key]


def _sort_by_distance(
    component: Component, admitted: int, named: frozenset[Version]
) -> tuple[Candidate, ...]:
    bit = component.universe.bit
    indexed = [(i, c) for i, c in enumerate(component.candidates) if not bit(c) & admitted]
    ranks = [i for i, c in enumerate(component.candidates) if bit(c) & admitted]
    anchor = ranks[0]
    family = component.candidates[anchor].family if component.families_apart else None
    rare = component.universe.on_request
    indexed.sort(
        key=lambda pair: (
            family not in (None, pair[1].family),
            pair[1] in rare,
            bool(named) and parse_version(pair[1].version) not in named,
            abs(pair[0] - anchor),
            pair[0],
        )
    )
    return (*(candidate for _, candidate in indexed), *(component.candidates[i] for i in ranks))


def _alternative_providers(component: Component, line: Requirement) -> tuple[Candidate, ...]:
    """Return the other providers of the interpreter, in the order of offers."""
    ranks = {word: rank for rank, word in enumerate(_PROVIDERS)}

    def preference(candidate: Candidate) -> tuple[bool, int]:
        return matches_any(line.alternatives, candidate), ranks.get(candidate.version, len(ranks))

    return tuple(sorted(component.candidates, key=preference))
