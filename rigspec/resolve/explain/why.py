"""Why this version, and what stopped the next newer one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.matrix.model import Matrix
from rigspec.resolve.components import NOTHING, UNKNOWN, diagnostic_name
from rigspec.resolve.conflicts.report import facts_of
from rigspec.resolve.conflicts.unknown_names import unsatisfiable_requirements
from rigspec.resolve.conflicts.unsat_core import find_conflicts
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.domains import Candidate
from rigspec.resolve.problem.model import Component, Requirement
from rigspec.resolve.solver.cnf import encode
from rigspec.resolve.solver.sat import Solution, SolverSession
from rigspec.resolve.solver.search import find_newest
from rigspec.spec.loader import LoadedSpec
from rigspec.version_specifiers import version_key

__all__ = ["UnknownComponent", "Unsolvable", "why"]

# A claim with this path is a choice that was made before, not a line of the spec.
_CHOSEN_BEFORE = ()


class Unsolvable(Exception):
    """The rig cannot exist: there is no version to ask about."""


class UnknownComponent(Exception):
    """The rig has no such component; ``known`` are the names of those it has."""

    def __init__(self, known: tuple[str, ...]) -> None:
        super().__init__("no such component")
        self.known = known


def why(spec: LoadedSpec, machine: str | None, matrix: Matrix, name: str) -> tuple[Diagnostic, ...]:
    """A note for each component of that name: ``cuda``, ``python``, ``fastai/python``.

    Raises UnknownComponent, and Unsolvable where the rig cannot exist.
    """
    assembly = ProblemBuilder(spec.rig, machine, matrix)
    asked = [c for c in assembly.components if name in (c.name, c.key)]
    if not asked:
        raise UnknownComponent(tuple(sorted({c.name for c in assembly.components})))
    beyond, claims = unsatisfiable_requirements(assembly, spec.document)
    solution = find_newest(assembly, claims)
    if beyond or solution is None:
        raise Unsolvable
    return tuple(_reason(spec, assembly, claims, solution, component) for component in asked)


def _reason(
    spec: LoadedSpec,
    assembly: ProblemBuilder,
    claims: tuple[Requirement, ...],
    solution: Solution,
    component: Component,
) -> Diagnostic:
    chosen = solution[component.key]
    newer = _next_newer(component, solution)
    where = f" in the environment {component.env}" if component.env else ""
    told = f"{_named(component, chosen)}{where}"
    if newer is None:
        lines = [claim for claim in claims if claim.component == component.key]
        return _note(spec, component, f"{told} is the newest that the matrix knows", lines)
    earlier = tuple(_earlier(assembly, solution, component))
    wish = Requirement(component.key, (newer.exactly,), None, f"would be {newer.label}")
    problem = assembly.problem((*claims, *earlier, wish))
    encoding = encode(problem)
    with SolverSession(problem, encoding) as session:
        conflict = next(find_conflicts(problem, encoding, session))
    lines = [claim for claim in conflict.claims if claim.path]
    note = _note(spec, component, f"{told}, because {_public(newer.version)} is stopped", lines)
    taken = [claim.label for claim in conflict.claims if claim.path == _CHOSEN_BEFORE]
    help_lines = (f"taken first, as new as can be: {', '.join(taken)}",) if taken else ()
    return replace(note, facts=tuple(facts_of(conflict)), help=help_lines)


def _next_newer(component: Component, solution: Solution) -> Candidate | None:
    """The release just above the chosen one, in the order in which releases are wanted."""
    chosen = solution[component.key]
    index = component.candidates.index(chosen)
    newer = [
        candidate
        for candidate in reversed(component.candidates[:index])
        if candidate.version not in (UNKNOWN, NOTHING)
        and version_key(_public(candidate.version)) > version_key(_public(chosen.version))
    ]
    own = (candidate for candidate in newer if candidate.family == chosen.family)
    return next(own, newer[0] if newer else None)


def _public(version: str) -> str:
    """Without what tells builds of one release apart: `7.6.5.32` of `7.6.5.32+cuda9.0`."""
    return version.partition("+")[0]


def _named(component: Component, candidate: Candidate) -> str:
    if candidate.family is not None:
        return f"{candidate.family} {candidate.version}"
    return f"{component.title} {_public(candidate.version)}"


def _earlier(
    assembly: ProblemBuilder, solution: Solution, component: Component
) -> Iterator[Requirement]:
    """What was settled before this component, each at the newest release that fitted."""
    components = {c.key: c for c in assembly.components}
    for key in assembly.order[: assembly.order.index(component.key)]:
        chosen = solution[key]
        label = _named(components[key], chosen)
        yield Requirement(key, (chosen.exactly,), _CHOSEN_BEFORE, label, editable=False)


def _note(
    spec: LoadedSpec, component: Component, message: str, lines: list[Requirement]
) -> Diagnostic:
    return Diagnostic(
        code="RS240",
        severity=Severity.NOTE,
        message=message,
        between=(diagnostic_name(component.name),),
        spans=tuple(
            spec.document.span(claim.path, label=claim.label) for claim in lines if claim.path
        ),
    )
