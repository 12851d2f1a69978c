"""CaDiCaL out of python-sat's extension module.

``pysat.solvers`` brings thirty solvers and takes longer to load than a rig to resolve; the
extension that it wraps is enough for clauses, assumptions, yes or no. What has to be explained
goes through python-sat proper.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import TracebackType

import pysolvers

__all__ = ["Cadical"]


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
        """Whether the formula has a model in which all the assumed literals are true."""
        main_thread = 1
        return bool(pysolvers.cadical153_solve(self._solver, list(assumptions), main_thread))

    def model(self) -> frozenset[int]:
        """The true variables of the model that the last question found."""
        literals = pysolvers.cadical153_model(self._solver) or ()
        return frozenset(literal for literal in literals if literal > 0)
