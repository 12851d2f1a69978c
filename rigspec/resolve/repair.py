"""Repairs: the fewest lines of the spec to change, each change solved again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from pysat.examples.lbx import LBX
from pysat.formula import WCNF

from rigspec.resolve.encode import Encoding, encode
from rigspec.resolve.problem import Candidate, Claim, Component, Problem, admits
from rigspec.resolve.solve import Solution, SolverSession
from rigspec.versions import version_key

__all__ = ["ClaimChange", "SolvedRepair", "find_repairs"]

# How many ways out are worth a person's reading.
_OFFERED = 4
_TRIED = 16


@dataclass(frozen=True)
class ClaimChange:
    """A claim, and the text that would stand in its line instead."""

    claim: Claim
    after: str


@dataclass(frozen=True)
class SolvedRepair:
    """Changes to the spec, and the solution of the spec so changed."""

    changes: tuple[ClaimChange, ...]
    solution: Solution


def find_repairs(
    problem: Problem, conflict: tuple[Claim, ...], encoding: Encoding
) -> tuple[SolvedRepair, ...]:
    """Ways out of a conflict, fewest changes first and then nearest to what was asked."""
    found: dict[tuple[ClaimChange, ...], SolvedRepair] = {}
    for lines in _corrections(conflict, encoding):
        repair = _nearest(problem, encoding, lines)
        if repair is not None:
            found.setdefault(repair.changes, repair)
    ordered = sorted(found.values(), key=lambda repair: len(repair.changes))
    return tuple(ordered[:_OFFERED])


def _corrections(conflict: tuple[Claim, ...], encoding: Encoding) -> Iterator[tuple[Claim, ...]]:
    """Minimal sets of editable lines whose removal leaves a spec that can hold."""
    formula = WCNF()
    for clause in encoding.clauses:
        formula.append(clause)
    soft: list[Claim] = []
    for selector, claim in encoding.claims.items():
        if claim.editable and claim.path is not None:
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
            if any(line in conflict for line in lines):
                yield lines


def _nearest(problem: Problem, encoding: Encoding, lines: tuple[Claim, ...]) -> SolvedRepair | None:
    """The solution without these lines that stays nearest to them, as changes that were solved."""
    relaxed = {selector for selector, claim in encoding.claims.items() if claim in lines}
    kept = [selector for selector in encoding.selectors if selector not in relaxed]
    near = {line.component: _by_distance(problem.component(line.component), line) for line in lines}
    ahead = Problem(
        problem.components,
        problem.claims,
        problem.sheets,
        (*near, *(key for key in problem.order if key not in near)),
    )
    with SolverSession(ahead, encoding) as session:
        solution = session.newest(kept, near)
    if solution is None:
        return None
    changes = tuple(ClaimChange(line, _rewritten(line, solution[line.component])) for line in lines)
    return _solved_again(problem, changes)


def _solved_again(problem: Problem, changes: tuple[ClaimChange, ...]) -> SolvedRepair | None:
    changed = {
        change.claim: replace(
            change.claim, alternatives=(f"{change.claim.prefix} {change.after}".strip(),)
        )
        for change in changes
    }
    claims = tuple(changed.get(claim, claim) for claim in problem.claims)
    mended = replace(problem, claims=claims)
    encoding = encode(mended)
    with SolverSession(mended, encoding) as session:
        solution = session.newest(encoding.selectors)
    return SolvedRepair(changes, solution) if solution is not None else None


def _by_distance(component: Component, line: Claim) -> tuple[Candidate, ...]:
    """The candidates that the line does not admit, the nearest to those it does first."""
    ranks = {
        index
        for index, candidate in enumerate(component.candidates)
        if admits(line.alternatives, candidate)
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


def _rewritten(line: Claim, chosen: Candidate) -> str:
    """The chosen release, written as precisely as the line was."""
    asked = line.written
    version = chosen.version.partition("+")[0]
    if not version[:1].isdigit():
        return chosen.version
    words = asked.split()[-1]
    if words.startswith(">=") and version_key(words[2:].split(",")[0]) < version_key(version):
        version = f">={version}"
    elif words.replace(".", "").isdigit():
        version = ".".join(version.split(".")[: max(1, words.count(".") + 1)])
    if not all(part.isdigit() for part in version.removeprefix(">=").split(".")):
        version = f"=={version.removeprefix('>=')}"  # a bare request is made of numbers
    named = chosen.family is not None and not asked[:1].isdigit() and asked[:1] not in "<>=!~*"
    return f"{chosen.family} {version}" if named else version
