"""Newest first: the one solution in which no more wanted component could be any newer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType

from pysat.solvers import Solver

from rigspec.resolve.encode import Encoding
from rigspec.resolve.problem import Candidate, Problem

__all__ = ["Solution", "SolverSession"]

Solution = Mapping[str, Candidate]

# Different solvers give different cores and models, so this one is fixed.
_SOLVER = "cadical153"


class SolverSession:
    """One problem loaded into a solver, to be asked many times. A context manager."""

    def __init__(self, problem: Problem, encoding: Encoding) -> None:
        self._problem = problem
        self._encoding = encoding
        self._solver = Solver(name=_SOLVER, bootstrap_with=encoding.clauses)

    def __enter__(self) -> SolverSession:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._solver.delete()

    def satisfiable(self, assumptions: Iterable[int]) -> bool:
        """Whether the assumed literals can all be true together."""
        return bool(self._solver.solve(assumptions=list(assumptions)))

    def newest(
        self,
        selectors: Iterable[int],
        preferences: Mapping[str, tuple[Candidate, ...]] | None = None,
    ) -> Solution | None:
        """The most wanted solution under the selectors, or None where there is none.

        Components are settled one after the other in the problem's order, each at the first of
        its candidates that leaves a solution. ``preferences`` replaces the order of candidates
        for some components.
        """
        preferences = preferences or {}
        fixed = list(selectors)
        if not self.satisfiable(fixed):
            return None
        solution: dict[str, Candidate] = {}
        for key in self._problem.order:
            wanted = preferences.get(key, self._problem.component(key).candidates)
            solution[key] = self._settle(key, wanted, fixed)
        return solution

    def _settle(self, key: str, wanted: tuple[Candidate, ...], fixed: list[int]) -> Candidate:
        for candidate in wanted:
            variable = self._encoding.candidates[key, candidate]
            if self.satisfiable([*fixed, variable]):
                fixed.append(variable)
                return candidate
        raise AssertionError(f"{key} lost its last candidate although the formula was satisfiable")
