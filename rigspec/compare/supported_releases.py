"""Which releases of a product a machine admits, and the one reason why it refuses another.

The questions are put to the resolver: no rule stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rigspec.compare.model import Refused
from rigspec.diagnostics.model import Fact
from rigspec.matrix.model import Matrix
from rigspec.resolve.components import NOTHING, UNKNOWN
from rigspec.resolve.conflicts.report import facts_of
from rigspec.resolve.conflicts.unknown_names import unsatisfiable_requirements
from rigspec.resolve.conflicts.unsat_core import Conflict, find_conflicts, is_satisfiable
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.model import (
    BoundRule,
    Candidate,
    Component,
    Problem,
    Requirement,
)
from rigspec.resolve.solver.cnf import encode
from rigspec.resolve.solver.sat import SolverSession
from rigspec.spec.loader import LoadedSpec

__all__ = ["SupportedReleases", "admitted"]

# What a machine has before anything is installed on it, as the resolver calls it.
_GIVEN = frozenset({"avx", "compute_capability", "driver", "gcc", "glibc", "os"})


@dataclass(frozen=True)
class SupportedReleases:
    """The releases of one component that a machine admits, the most wanted first."""

    problem: Problem
    component: Component
    releases: tuple[Candidate, ...]

    def reasons(self, refused: tuple[Candidate, ...]) -> Iterator[Refused]:
        """Why these releases are refused: neighbours that share a reason are told together."""
        groups: list[tuple[Conflict, list[Candidate]]] = []
        for candidate in refused:
            known = next((g for g in groups if self._holds(g[0], candidate)), None)
            if known is None:
                groups.append((self._conflict(candidate), [candidate]))
            else:
                known[1].append(candidate)
        for conflict, candidates in groups:
            reason = _nearest(conflict, self.component.key)
            facts = tuple(facts_of(conflict))
            yield Refused(tuple(c.label for c in candidates), reason or facts[0], facts)

    def _wish(self, candidate: Candidate) -> Requirement:
        return Requirement(self.component.key, (candidate.exactly,), None, candidate.label)

    def _conflict(self, candidate: Candidate) -> Conflict:
        problem = replace(
            self.problem, requirements=(*self.problem.requirements, self._wish(candidate))
        )
        encoding = encode(problem)
        with SolverSession(problem, encoding) as session:
            return next(find_conflicts(problem, encoding, session))

    def _holds(self, conflict: Conflict, candidate: Candidate) -> bool:
        """Whether the rows of a conflict refuse this release, too."""
        requirements = (*self.problem.requirements, self._wish(candidate))
        return not is_satisfiable(self.problem, requirements, conflict.rows)


def admitted(
    spec: LoadedSpec, machine: str, matrix: Matrix, wanted: Callable[[Component], bool]
) -> SupportedReleases | None:
    """The releases of the component that is ``wanted``; None where the machine has none such."""
    builder = ProblemBuilder(spec.rig, machine, matrix)
    component = next((c for c in builder.components if wanted(c)), None)
    beyond, requirements = unsatisfiable_requirements(builder, spec.document)
    if component is None or beyond:
        return None
    problem = builder.problem(requirements)
    encoding = encode(problem)
    with SolverSession(problem, encoding) as session:
        selectors = list(encoding.selectors)
        found = tuple(
            candidate
            for candidate in component.candidates
            if candidate.version not in (NOTHING, UNKNOWN)
            and session.satisfiable([*selectors, encoding.candidates[component.key, candidate]])
        )
    return SupportedReleases(problem, component, found)


def _nearest(conflict: Conflict, wanted: str) -> Fact | None:
    """The row that a person looks for: one about the product and the machine, else about the
    machine; of several alike that about the newest release.
    """
    rows = [row for row in conflict.rows if row.rule.failure_message] or list(conflict.rows)
    if not rows:
        return None

    def rank(row: BoundRule) -> tuple[int, bool]:
        keys = {row.must[0], *(key for key, _ in row.when)}
        given = sum(key.rpartition("/")[2] in _GIVEN for key in keys)
        return (2 * given + (wanted in keys), row.must[0] != "accelerator")

    best = max(rank(row) for row in rows)
    nearest = [row for row in rows if rank(row) == best][-1]
    told = {fact.id: fact for fact in facts_of(conflict)}
    return told.get(nearest.rule.id) or next(
        iter(facts_of(replace(conflict, rows=(nearest,)))), None
    )
