"""Find the solution in which no more preferred component could be newer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType

import pysolvers

from rigspec.resolve.problem.model import Candidate, Problem
from rigspec.resolve.solver.cnf import Encoding

__all__ = ["Cadical", "Solution", "SolverSession"]

Solution = Mapping[str, Candidate]


class SolverSession:
    """One problem loaded into a solver, for many queries. A context manager."""

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
        """Return whether the assumed literals can all be true together."""
        answer = self._solver.satisfiable(list(assumptions))
        if answer:
            self._model = self._solver.model()
        return answer

    def newest(
        self,
        selectors: Iterable[int],
        preferences: Mapping[str, tuple[Candidate, ...]] | None = None,
    ) -> Solution | None:
        """Return the most preferred solution under the selectors, or None.

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
        """Return the first preferred candidate that leaves a solution, and fix it.

        The model at hand says which one surely does, so only better ones are tried.
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


class Cadical:
    """A solver holding one formula. A context manager: the memory is C++'s."""

    def __init__(self, clauses: Iterable[Sequence[int]]) -> None:
        self._solver = pysolvers.cadical153_new()
        for clause in clauses:
            pysolvers.cadical153_add_cl(self._solver, clause)

    def __enter__(self) -> Cadical:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        pysolvers.cadical153_del(self._solver, None)
        self._solver = None

    def satisfiable(self, assumptions: Sequence[int]) -> bool:
        """Return whether the formula has a model in which all the assumed literals are true."""
        main_thread = 1
        return bool(pysolvers.cadical153_solve(self._solver, list(assumptions), main_thread))

    def model(self) -> frozenset[int]:
        """Return the true variables of the model that the last question found."""
        literals = pysolvers.cadical153_model(self._solver) or ()
        return frozenset(literal for literal in literals if literal > 0)
