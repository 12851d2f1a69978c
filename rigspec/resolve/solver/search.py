"""Search newest first: the solution in which no preferred component could be newer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.model import Candidate, Requirement
from rigspec.resolve.solver.cnf import encode
from rigspec.resolve.solver.propagation import Propagation, propagate
from rigspec.resolve.solver.sat import Solution, SolverSession

__all__ = ["find_newest"]

# How many choices can be wrong, without one more component settled, before the SAT solver takes
# over: many environments can each have a few wrong ones.
_MAX_BACKTRACKS = 200


class _BacktrackLimit(Exception):
    """Too many choices were wrong: backtracking does not find a solution."""


def find_newest(
    builder: ProblemBuilder,
    requirements: tuple[Requirement, ...],
    preferred: Mapping[str, Candidate] | None = None,
) -> Solution | None:
    """Return the most preferred solution under the requirements, or None.

    ``preferred`` are releases that come before all others, newer ones included.

    Components are settled one after the other in the builder's order, each at the first of its
    releases that leaves a solution. Each choice is drawn to its consequences, which rarely leaves
    one to take back; where it does, a solver decides.
    """
    start = propagate(builder, requirements)
    if start is None:
        return None
    search, mark = _Search(preferred or {}), start.mark
    try:
        found = search.search(start, builder.order)
    except _BacktrackLimit:
        start.undo(mark)
        return _solve_with_sat(start, builder, search)
    return search.select(start, builder.order) if found else None


class _Search:
    """Backtracking in the order of preference, with a limit."""

    def __init__(self, preferred: Mapping[str, Candidate]) -> None:
        self._preferred = preferred
        self._patience = _MAX_BACKTRACKS

    def preferred_candidates(self, propagation: Propagation, key: str) -> Iterator[Candidate]:
        """Yield the remaining releases of a component: a locked one first, then the newest."""
        preferred = self._preferred.get(key)
        if preferred is not None and propagation.is_possible(key, preferred):
            yield preferred
        yield from (each for each in propagation.remaining(key) if each != preferred)

    def select(self, propagation: Propagation, keys: Iterable[str]) -> Solution:
        """Return the most preferred candidate of each component; no choice affects another."""
        return {key: next(self.preferred_candidates(propagation, key)) for key in keys}

    def search(self, state: Propagation, order: tuple[str, ...]) -> bool:
        """Make the choices of the first solution in the order of preference; False without one.

        A loop and not a recursion: a spec can have more components than Python has frames.
        """
        steps = [_Step(self, state, order, 0)]
        deepest = 0
        while steps:
            step = steps[-1]
            if step.key is None:
                return True
            state.undo(step.mark)
            candidate = next(step.candidates, None)
            if candidate is None:
                steps.pop()
                if steps:
                    self._lose_patience()
                continue
            if not state.choose(step.key, candidate):
                self._lose_patience()
                continue
            steps.append(_Step(self, state, order, step.place + 1))
            if len(steps) > deepest:
                deepest = len(steps)
                self._patience = _MAX_BACKTRACKS
        return False

    def _lose_patience(self) -> None:
        self._patience -= 1
        if self._patience < 0:
            raise _BacktrackLimit


class _Step:
    """A component that is still open, and its candidates that were not tried; without any, none."""

    def __init__(
        self, search: _Search, state: Propagation, order: tuple[str, ...], place: int
    ) -> None:
        places = range(place, len(order))
        self.mark = state.mark
        self.place = next((i for i in places if state.is_open(order[i])), len(order))
        self.key = order[self.place] if self.place < len(order) else None
        none: Iterator[Candidate] = iter(())
        self.candidates = search.preferred_candidates(state, self.key) if self.key else none


def _solve_with_sat(
    start: Propagation, builder: ProblemBuilder, search: _Search
) -> Solution | None:
    problem = start.problem()
    encoding = encode(problem)
    preferred_candidates = {
        key: tuple(search.preferred_candidates(start, key)) for key in problem.order
    }
    with SolverSession(problem, encoding) as session:
        solution = session.newest(encoding.selectors, preferred_candidates)
    if solution is None:
        return None
    untouched = [key for key in builder.order if key not in solution]
    return {**search.select(start, untouched), **solution}
