"""Explain why a version was chosen and not the next newer one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.matrix.model import Matrix
from rigspec.resolve.components import NOTHING, UNKNOWN, get_diagnostic_name
from rigspec.resolve.conflicts.report import list_facts
from rigspec.resolve.conflicts.unknown_names import find_unsatisfiable_requirements
from rigspec.resolve.conflicts.unsat_core import find_conflicts
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.domains import Candidate
from rigspec.resolve.problem.model import DECLARED, Component, Requirement
from rigspec.resolve.solver.cnf import encode
from rigspec.resolve.solver.contemporary_python import find_preferred
from rigspec.resolve.solver.cuda_source import build_problem
from rigspec.resolve.solver.sat import Solution, SolverSession
from rigspec.resolve.solver.search import find_newest
from rigspec.spec.loader import LoadedSpec
from rigspec.version_specifiers import get_version_key

__all__ = ["UnknownComponent", "Unsolvable", "explain_component"]

# A requirement with this path is a choice that was made before, not a line of the spec.
_CHOSEN_BEFORE = ()


class Unsolvable(Exception):
    """The rig has no solution: there is no version to explain."""


class UnknownComponent(Exception):
    """The rig has no such component; ``known`` are the names of its components."""

    def __init__(self, known: tuple[str, ...]) -> None:
        super().__init__("no such component")
        self.known = known


def explain_component(
    spec: LoadedSpec, machine: str | None, matrix: Matrix, name: str
) -> tuple[Diagnostic, ...]:
    """Return a note for each component of that name: ``cuda``, ``python``, ``fastai/python``.

    Raises UnknownComponent, and Unsolvable where the rig cannot exist.
    """
    builder = build_problem(spec.rig, machine, matrix)
    requested = [c for c in builder.components if name in (c.name, c.key)]
    if not requested:
        raise UnknownComponent(tuple(sorted({c.name for c in builder.components})))
    beyond, requirements = find_unsatisfiable_requirements(builder, spec.document)
    solution = find_preferred(builder, requirements)
    if beyond or solution is None:
        raise Unsolvable
    return tuple(
        _explain_choice(spec, builder, requirements, solution, component) for component in requested
    )


def _explain_choice(
    spec: LoadedSpec,
    builder: ProblemBuilder,
    requirements: tuple[Requirement, ...],
    solution: Solution,
    component: Component,
) -> Diagnostic:
    chosen = solution[component.key]
    newer = _next_newer(component, solution)
    where = f" in the environment {component.env}" if component.env else ""
    choice = f"{_format_candidate(component, chosen)}{where}"
    if newer is None:
        lines = [
            requirement for requirement in requirements if requirement.component == component.key
        ]
        if chosen.version == DECLARED:
            return _note(spec, component, f"{component.title}: the one that the spec names", lines)
        return _note(spec, component, f"{choice} is the newest known version", lines)
    newest = find_newest(builder, requirements)
    if newest is not None and component.name == "python" and newest[component.key] != chosen:
        why = f"{choice}, because newer series were released after the frameworks"
        return _note(spec, component, why, [])
    earlier = tuple(_earlier_choices(builder, solution, component))
    builds = tuple(each.exactly for each in component.candidates if _is_same_release(each, newer))
    newer_requirement = Requirement(component.key, builds, None, f"would be {newer.label}")
    problem = builder.problem((*requirements, *earlier, newer_requirement))
    encoding = encode(problem)
    with SolverSession(problem, encoding) as session:
        conflict = next(find_conflicts(problem, encoding, session))
    lines = [requirement for requirement in conflict.requirements if requirement.path]
    facts = tuple(list_facts(conflict))
    own_lines = all(r.component == component.key for r in conflict.requirements)
    reason = _phrase_exclusion(_public(newer.version), len(facts), own_lines=own_lines)
    note = _note(spec, component, f"{choice}, because {reason}", lines)
    earlier_labels = [
        requirement.label
        for requirement in conflict.requirements
        if requirement.path == _CHOSEN_BEFORE
    ]
    help_lines = (
        (f"chosen first, at the newest possible version: {', '.join(earlier_labels)}",)
        if earlier_labels
        else ()
    )
    return replace(note, facts=facts, help=help_lines)


def _phrase_exclusion(newer: str, facts: int, *, own_lines: bool) -> str:
    """Return what excludes a newer version: facts, or without any the spec."""
    if facts:
        return f"a fact excludes {newer}" if facts == 1 else f"{facts} facts exclude {newer}"
    if own_lines:
        return f"the spec does not allow {newer}"
    return f"other choices exclude {newer}"


def _next_newer(component: Component, solution: Solution) -> Candidate | None:
    """Return the next newer release in the order of preference."""
    chosen = solution[component.key]
    index = component.candidates.index(chosen)
    newer = [
        candidate
        for candidate in reversed(component.candidates[:index])
        if candidate.version not in (UNKNOWN, NOTHING)
        and get_version_key(_public(candidate.version)) > get_version_key(_public(chosen.version))
    ]
    own = (candidate for candidate in newer if candidate.family == chosen.family)
    return next(own, newer[0] if newer else None)


def _is_same_release(one: Candidate, other: Candidate) -> bool:
    """Return whether these are builds of one release."""
    return (one.family, _public(one.version)) == (other.family, _public(other.version))


def _public(version: str) -> str:
    """Return the version without its build: `7.6.5.32` of `7.6.5.32+cuda9.0`."""
    return version.partition("+")[0]


def _format_candidate(component: Component, candidate: Candidate) -> str:
    if candidate.family is not None:
        return f"{candidate.family} {candidate.version}"
    return f"{component.title} {_public(candidate.version)}"


def _earlier_choices(
    builder: ProblemBuilder, solution: Solution, component: Component
) -> Iterator[Requirement]:
    """Yield the components chosen before this one, each at its newest possible release."""
    components = {c.key: c for c in builder.components}
    for key in builder.order[: builder.order.index(component.key)]:
        chosen = solution[key]
        label = _format_candidate(components[key], chosen)
        yield Requirement(key, (chosen.exactly,), _CHOSEN_BEFORE, label, editable=False)


def _note(
    spec: LoadedSpec, component: Component, message: str, lines: list[Requirement]
) -> Diagnostic:
    return Diagnostic(
        code="RS240",
        severity=Severity.NOTE,
        message=message,
        components=(get_diagnostic_name(component.name),),
        spans=tuple(
            spec.document.span(requirement.path, label=requirement.label)
            for requirement in lines
            if requirement.path
        ),
    )
