"""Find the solution in which no more preferred component could be newer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType

from rigspec.resolve.problem.model import Candidate, Problem
from rigspec.resolve.solver.cnf import Encoding

__all__ = ["Glucose", "Solution", "SolverSession"]

Solution = Mapping[str, Candidate]


class SolverSession:
    """One problem loaded into a solver, for many queries. A context manager."""

    def __init__(self, problem: Problem, encoding: Encoding) -> None:
        self.problem = problem
        self.encoding = encoding
        self._solver = Glucose()
        self._loaded = 0

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
        clauses = self.encoding.clauses
        if self._loaded < len(clauses):
            self._solver.add(clauses[self._loaded :])
            self._loaded = len(clauses)
        return self._solver.satisfiable(list(assumptions))

    def model(self) -> frozenset[int]:
        """Return the true literals of the model that the last query found."""
        return self._solver.model()

    def core(self) -> list[int]:
        """Return assumed literals of the last query that cannot all be true together."""
        return self._solver.core()

    def propagate(self, assumptions: Iterable[int]) -> frozenset[int]:
        """Return literals that certainly follow from the assumed ones."""
        return self._solver.propagate(list(assumptions))

    def prefer(self, literals: Iterable[int]) -> None:
        """Make models contain these literals where nothing prevents it at once."""
        self._solver.prefer(list(literals))

    def newest(
        self,
        selectors: Iterable[int],
        preferences: Mapping[str, tuple[Candidate, ...]] | None = None,
        order: Iterable[str] | None = None,
    ) -> Solution | None:
        """Return the most preferred solution under the selectors, or None.

        Components are settled one after the other in the problem's order, each at the first of
        its candidates that leaves a solution. ``preferences`` replaces the order of candidates
        for some components, ``order`` the order of the problem.
        """
        preferences = preferences or {}
        fixed = list(selectors)
        if not self.satisfiable(fixed):
            return None
        model = self.model()
        solution: dict[str, Candidate] = {}
        for key in self.problem.order if order is None else order:
            wanted = preferences.get(key, self.problem.component(key).candidates)
            solution[key], model = self._settle(key, wanted, fixed, model)
        return solution

    def _settle(
        self, key: str, wanted: tuple[Candidate, ...], fixed: list[int], model: frozenset[int]
    ) -> tuple[Candidate, frozenset[int]]:
        """Fix the first preferred candidate that leaves a solution; return it with a model.

        The given model proves one candidate possible, so only better ones are tried.
        """
        better = []
        for choice in self.encoding.iterate_choices(key, wanted):
            chosen, candidate = choice
            if model.issuperset(chosen):
                break
            better.append(choice)
        # Most are excluded at once by what is fixed.
        implied = self.propagate(fixed) if better else frozenset()
        for literals, preferred in better:
            excluded = any(-literal in implied for literal in literals)
            if not excluded and self.satisfiable([*fixed, *literals]):
                chosen, candidate, model = literals, preferred, self.model()
                break
        fixed.extend(chosen)
        return candidate, model


class Glucose:
    """An incremental solver. A context manager: the memory is C++'s."""

    def __init__(self) -> None:
        # Imported here: most rigs are resolved without it.
        import pysolvers

        self._api = pysolvers
        self._solver = pysolvers.glucose41_new()

    def __enter__(self) -> Glucose:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._api.glucose41_del(self._solver)
        self._solver = None

    def add(self, clauses: Iterable[Sequence[int]]) -> None:
        """Add clauses to the formula."""
        add, solver = self._api.glucose41_add_cl, self._solver
        for clause in clauses:
            add(solver, clause)

    def satisfiable(self, assumptions: Sequence[int]) -> bool:
        """Return whether the formula has a model in which all the assumed literals are true."""
        main_thread = 1
        return bool(self._api.glucose41_solve(self._solver, assumptions, main_thread))

    def propagate(self, assumptions: Sequence[int]) -> frozenset[int]:
        """Return literals that certainly follow from the assumed ones."""
        keep_phases, main_thread = 0, 1
        _, literals = self._api.glucose41_propagate(
            self._solver, assumptions, keep_phases, main_thread
        )
        return frozenset(literals or ())

    def model(self) -> frozenset[int]:
        """Return the true literals of the model that the last question found."""
        return frozenset(self._api.glucose41_model(self._solver) or ())

    def core(self) -> list[int]:
        """Return assumed literals of the last question that exclude each other."""
        return list(self._api.glucose41_core(self._solver) or ())

    def prefer(self, literals: Sequence[int]) -> None:
        """Decide these literals true before anything else is known of them."""
        self._api.glucose41_setphases(self._solver, literals)
