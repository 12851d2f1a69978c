"""Newest first: the one solution in which no more wanted component could be any newer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType

from rigspec.resolve.cadical import Cadical
from rigspec.resolve.encode import Encoding
from rigspec.resolve.problem import Candidate, Problem

__all__ = ["Solution", "SolverSession"]

Solution = Mapping[str, Candidate]


class SolverSession:
    """One problem loaded into a solver, to be asked many times. A context manager."""

    def __init__(self, problem: Problem, encoding: Encoding) -> None:
        self._problem = problem
        self._encoding = encoding
        self._solver = Cadical(encoding.clauses)
        self._model: frozenset[int] = frozenset()

    def __enter__(self) -> SolverSession:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._solver.__exit__(kind, error, traceback)

    def satisfiable(self, assumptions: Iterable[int]) -> bool:
        """Whether the assumed literals can all be true together."""
        answer = self._solver.satisfiable(list(assumptions))
        if answer:
            self._model = self._solver.model()
        return answer

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
        """The first wanted candidate that leaves a solution; it joins what is fixed.

        The model at hand says which one surely does, so only better ones are asked for.
        """
        variables = {self._encoding.candidates[key, candidate]: candidate for candidate in wanted}
        chosen = next(v for v in variables if v in self._model)
        for variable in variables:
            if variable == chosen:
                break
            if self.satisfiable([*fixed, variable]):
                chosen = variable
                break
        fixed.append(chosen)
        return variables[chosen]
