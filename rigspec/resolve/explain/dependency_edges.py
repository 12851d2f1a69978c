"""Dependency edges of a resolved rig: which component requires what of which."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rigspec.diagnostics.model import Fact, Severity
from rigspec.matrix.model import Matrix
from rigspec.resolve.components import UNKNOWN
from rigspec.resolve.conflicts.unknown_names import find_unsatisfiable_requirements
from rigspec.resolve.explain.phrasing import format_statement
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.model import BoundRule
from rigspec.resolve.solver.contemporary_python import find_preferred
from rigspec.resolve.solver.cuda_source import build_problem
from rigspec.resolve.solver.sat import Solution
from rigspec.spec.loader import LoadedSpec

__all__ = ["DependencyEdge", "ResolvedComponent", "find_dependency_edges"]

# Placeholders for the value that violates a rule.
_VALUE = re.compile(r"\{(?:sm|value)\}")


@dataclass(frozen=True)
class ResolvedComponent:
    """A component and its decided release (``label``); ``title`` is its display name."""

    key: str
    name: str
    title: str
    label: str
    env: str | None


@dataclass(frozen=True)
class DependencyEdge:
    """An active rule: the components ``dependents`` together require ``dependency``.

    Components are keys. ``requirement`` is the part of the request that the decided release meets:
    ``>=384.81``. ``broken`` is the severity of a violated advisory rule, or None.
    """

    dependents: tuple[str, ...]
    dependency: str
    requirement: str
    fact: Fact
    broken: Severity | None = None


def find_dependency_edges(
    spec: LoadedSpec, machine: str | None, matrix: Matrix
) -> tuple[tuple[ResolvedComponent, ...], tuple[DependencyEdge, ...]]:
    """Return the components of a resolvable rig and every active rule between them.

    Raises ValueError where the rig has no solution.
    """
    builder = build_problem(spec.rig, machine, matrix)
    _, requirements = find_unsatisfiable_requirements(builder, spec.document)
    solution = find_preferred(builder, requirements)
    if solution is None:
        raise ValueError("a rig without a solution has no dependency edges")
    settled = tuple(
        ResolvedComponent(c.key, c.name, c.title, solution[c.key].label, c.env)
        for c in builder.components
    )
    return settled, tuple(_deduplicate(builder, solution))


def _deduplicate(builder: ProblemBuilder, solution: Solution) -> Iterator[DependencyEdge]:
    """Return one edge for rules that differ in their bounds only: the narrowest."""
    narrowest: dict[tuple[tuple[str, ...], str, str], tuple[int, DependencyEdge]] = {}
    for row in _active_rules(builder, solution):
        edge = _build_edge(builder, solution, row)
        if edge is not None:
            place = (edge.dependents, edge.dependency, edge.fact.statement)
            universe = builder.universes.get(row.requires[0])
            width = bin(universe.mask(row.requires[1])).count("1") if universe is not None else 0
            if place not in narrowest or width < narrowest[place][0]:
                narrowest[place] = (width, edge)
    return (edge for _, edge in narrowest.values())


def _active_rules(builder: ProblemBuilder, solution: Solution) -> Iterator[BoundRule]:
    """Yield every rule whose conditions the solution meets."""
    for rule_table in builder.declared:
        yield from (row for row in rule_table.constraints if _is_active(builder, solution, row))
    yield from (
        row for row in builder.binding_rules(solution) if _is_active(builder, solution, row)
    )
    yield from (
        row for row in builder.advisory_rules(solution) if _is_active(builder, solution, row)
    )
    yield from builder.implied_rules(solution)


def _is_active(builder: ProblemBuilder, solution: Solution, row: BoundRule) -> bool:
    return all(builder.universes[key].admits(texts, solution[key]) for key, texts in row.when)


def _build_edge(
    builder: ProblemBuilder, solution: Solution, row: BoundRule
) -> DependencyEdge | None:
    key, alternatives = row.requires
    rule, chosen = row.rule, solution.get(key)
    dependents = tuple(dict.fromkeys(k for k, _ in row.when))
    if chosen is None:  # a Python package, of which the lock decides
        return DependencyEdge(
            dependents, key, " or ".join(alternatives), _fact(row, rule.statement)
        )
    met = [text for text in alternatives if builder.universes[key].admits((text,), chosen)]
    if not met and (chosen.version == UNKNOWN or rule.severity == Severity.ERROR.value):
        return None
    if not met:
        requirement, text = (
            " or ".join(alternatives),
            format_statement(rule.statement, chosen.label),
        )
        return DependencyEdge(
            dependents, key, requirement, _fact(row, text), Severity(rule.severity)
        )
    text = _drop_violation(rule.statement)
    return (
        DependencyEdge(dependents, key, met[0].removeprefix("=="), _fact(row, text))
        if text
        else None
    )


def _fact(row: BoundRule, text: str) -> Fact:
    return Fact(row.rule.id, text, row.rule.sources, row.rule.confidence)


def _drop_violation(statement: str) -> str:
    """Return the statement without its clauses about a wrong value."""
    breach = _VALUE.search(statement)
    if breach is None:
        return statement
    before = max(statement.rfind(mark, 0, breach.start()) for mark in (": ", "; "))
    return statement[:before] if before > 0 else ""
