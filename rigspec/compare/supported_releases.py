"""Find the releases of a product that a machine supports, and the reasons for the others.

The resolver answers both; this module has no rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from rigspec.compare.model import UnsupportedReleases
from rigspec.diagnostics.model import Fact
from rigspec.matrix.model import Matrix
from rigspec.resolve.components import NOTHING, UNKNOWN
from rigspec.resolve.conflicts.report import list_facts
from rigspec.resolve.conflicts.unknown_names import find_unsatisfiable_requirements
from rigspec.resolve.conflicts.unsat_core import Conflict, find_conflicts, is_satisfiable
from rigspec.resolve.problem.model import (
    BoundRule,
    Candidate,
    Component,
    Problem,
    Requirement,
)
from rigspec.resolve.solver.cnf import encode
from rigspec.resolve.solver.cuda_source import build_problems
from rigspec.resolve.solver.sat import SolverSession
from rigspec.spec.loader import LoadedSpec
from rigspec.version_specifiers import strip_local_version

__all__ = ["SupportedReleases", "find_release", "find_supported_releases"]

# Components that a machine has before the installation.
_GIVEN = frozenset({"avx", "compute_capability", "driver", "gcc", "glibc", "os"})


@dataclass(frozen=True)
class SupportedReleases:
    """The releases of a component that a machine supports, preferred ones first."""

    problem: Problem
    component: Component
    releases: tuple[Candidate, ...]

    def iterate_reasons(self, refused: tuple[Candidate, ...]) -> Iterator[UnsupportedReleases]:
        """Yield why releases are not supported, grouped by reason."""
        groups: list[tuple[Conflict, list[Candidate]]] = []
        for candidate in refused:
            known = next((g for g in groups if self._applies_to(g[0], candidate)), None)
            if known is None:
                groups.append((self._find_conflict(candidate), [candidate]))
            else:
                known[1].append(candidate)
        for conflict, candidates in groups:
            reason = _find_nearest_fact(conflict, self.component.key)
            facts = tuple(list_facts(conflict))
            yield UnsupportedReleases(tuple(c.label for c in candidates), reason or facts[0], facts)

    def _build_requirement(self, candidate: Candidate) -> Requirement:
        return Requirement(self.component.key, (candidate.exactly,), None, candidate.label)

    def _find_conflict(self, candidate: Candidate) -> Conflict:
        problem = replace(
            self.problem,
            requirements=(*self.problem.requirements, self._build_requirement(candidate)),
        )
        encoding = encode(problem)
        with SolverSession(problem, encoding) as session:
            return next(find_conflicts(problem, encoding, session))

    def _applies_to(self, conflict: Conflict, candidate: Candidate) -> bool:
        """Return whether the rules of a conflict exclude this release as well."""
        requirements = (*self.problem.requirements, self._build_requirement(candidate))
        return not is_satisfiable(self.problem, requirements, conflict.rows)


def find_supported_releases(
    spec: LoadedSpec, machine: str, matrix: Matrix, is_requested: Callable[[Component], bool]
) -> SupportedReleases | None:
    """Return the supported releases of the requested component, or None without such one."""
    found: list[SupportedReleases] = []
    for builder in build_problems(spec.rig, machine, matrix):
        component = next((c for c in builder.components if is_requested(c)), None)
        errors, requirements = find_unsatisfiable_requirements(builder, spec.document)
        if component is not None and not errors:
            problem = builder.problem(requirements)
            releases = tuple(_iterate_supported(problem, component))
            found.append(SupportedReleases(problem, component, releases))
    if not found:
        return None
    # A release is supported if it runs with one of the sources of CUDA; the order is the matrix's.
    supported = {release for each in found for release in each.releases}
    listed = dict.fromkeys(map(find_release, found[0].component.candidates))
    return replace(found[0], releases=tuple(r for r in listed if r in supported))


def _iterate_supported(problem: Problem, component: Component) -> Iterator[Candidate]:
    encoding = encode(problem)
    seen: set[Candidate] = set()
    with SolverSession(problem, encoding) as session:
        selectors = list(encoding.selectors)
        for candidate in component.candidates:
            release = find_release(candidate)
            if candidate.version in (NOTHING, UNKNOWN) or release in seen:
                continue
            choices = encoding.iterate_choices(component.key, (candidate,))
            if any(session.satisfiable([*selectors, *literals]) for literals, _ in choices):
                seen.add(release)
                yield release


def find_release(candidate: Candidate) -> Candidate:
    """Return the release of a candidate that is a build: ``2.7.1`` of ``2.7.1+cu118``."""
    return Candidate(candidate.family, strip_local_version(candidate.version))


def _find_nearest_fact(conflict: Conflict, wanted: str) -> Fact | None:
    """Return the most relevant fact: about product and machine, else about the machine.

    Of several equal ones, return the fact about the newest release.
    """
    rows = [row for row in conflict.rows if row.rule.failure_message] or list(conflict.rows)
    if not rows:
        return None

    def rank(row: BoundRule) -> tuple[int, bool]:
        keys = {row.requires[0], *(key for key, _ in row.when)}
        given = sum(key.rpartition("/")[2] in _GIVEN for key in keys)
        return (2 * given + (wanted in keys), row.requires[0] != "accelerator")

    best = max(rank(row) for row in rows)
    nearest = [row for row in rows if rank(row) == best][-1]
    facts = {fact.id: fact for fact in list_facts(conflict)}
    return facts.get(nearest.rule.id) or next(
        iter(list_facts(replace(conflict, rows=(nearest,)))), None
    )
