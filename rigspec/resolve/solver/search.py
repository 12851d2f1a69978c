"""Newest first: of all rigs that hold, the one in which nothing wanted could be any newer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.model import Candidate, Requirement
from rigspec.resolve.solver.cnf import encode
from rigspec.resolve.solver.propagation import Propagation, propagate
from rigspec.resolve.solver.sat import Solution, SolverSession

__all__ = ["find_newest"]

# How many choices may turn out wrong before a solver is asked.
_MAX_BACKTRACKS = 40


class _BacktrackLimit(Exception):
    """Too many choices were wrong: trying is no way to this rig."""


def find_newest(
    assembly: ProblemBuilder,
    claims: tuple[Requirement, ...],
    kept: Mapping[str, Candidate] | None = None,
) -> Solution | None:
    """The most wanted solution under the claims; None where nothing can hold.

    ``kept`` are releases that are wanted more than any other, newer ones included.

    Components are settled one after the other in the assembly's order, each at the first of its
    releases that leaves a solution. Each choice is drawn to its consequences, which rarely leaves
    one to take back; where it does, a solver decides.
    """
    start = propagate(assembly, claims)
    if start is None:
        return None
    search = _Search(kept or {})
    try:
        found = search.first(start, assembly.order)
    except _BacktrackLimit:
        return _solve_with_sat(start, assembly, search)
    return search.chosen(found, assembly.order) if found is not None else None


class _Search:
    """Trying in the order of wishes, until too many choices were wrong."""

    def __init__(self, kept: Mapping[str, Candidate]) -> None:
        self._kept = kept
        self._patience = _MAX_BACKTRACKS

    def wishes(self, narrowing: Propagation, key: str) -> list[Candidate]:
        """The releases that a component has left: what is kept, then the newest first."""
        wanted = list(narrowing.wanted(key))
        kept = self._kept.get(key)
        if kept in wanted:
            wanted.remove(kept)
            wanted.insert(0, kept)
        return wanted

    def chosen(self, narrowing: Propagation, keys: Iterable[str]) -> Solution:
        """What is wished most of each component, where no choice touches another."""
        return {key: self.wishes(narrowing, key)[0] for key in keys}

    def first(self, narrowing: Propagation, order: tuple[str, ...]) -> Propagation | None:
        """The first full choice in the order of wishes, by trying; None where there is none."""
        open_keys = narrowing.open_keys
        key = next((key for key in order if key in open_keys), None)
        if key is None:
            return narrowing
        for candidate in self.wishes(narrowing, key):
            taken = narrowing.taking(key, candidate)
            if taken is not None:
                found = self.first(taken, order[order.index(key) + 1 :])
                if found is not None:
                    return found
            self._patience -= 1
            if self._patience < 0:
                raise _BacktrackLimit
        return None


def _solve_with_sat(
    start: Propagation, assembly: ProblemBuilder, search: _Search
) -> Solution | None:
    problem = start.problem()
    encoding = encode(problem)
    wishes = {key: tuple(search.wishes(start, key)) for key in problem.order}
    with SolverSession(problem, encoding) as session:
        solution = session.newest(encoding.selectors, wishes)
    if solution is None:
        return None
    untouched = [key for key in assembly.order if key not in solution]
    return {**search.chosen(start, untouched), **solution}
