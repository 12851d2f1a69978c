"""The facts that hold a resolved rig together: which component asks what of which."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rigspec.diagnostics.model import Fact, Severity
from rigspec.matrix.model import Matrix
from rigspec.resolve.components import UNKNOWN
from rigspec.resolve.conflicts.unknown_names import unsatisfiable_requirements
from rigspec.resolve.explain.phrasing import format_statement
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.model import BoundRule
from rigspec.resolve.solver.sat import Solution
from rigspec.resolve.solver.search import find_newest
from rigspec.spec.loader import LoadedSpec

__all__ = ["DependencyEdge", "ResolvedComponent", "dependency_edges"]

# What stands in for the value that a rule is broken with.
_VALUE = re.compile(r"\{(?:sm|value)\}")


@dataclass(frozen=True)
class ResolvedComponent:
    """A component and what was decided for it: ``label`` is its release, ``title`` its words."""

    key: str
    name: str
    title: str
    label: str
    env: str | None


@dataclass(frozen=True)
class DependencyEdge:
    """A fact in force: when the components ``of`` are what they are, ``must`` is asked of one.

    The components are named by their keys. ``asks`` is the part of the request that the decided
    release meets: ``>=384.81``. ``broken`` is how bad it is that a rule which does not bind is
    not met; None where all is well.
    """

    of: tuple[str, ...]
    must: str
    asks: str
    fact: Fact
    broken: Severity | None = None


def dependency_edges(
    spec: LoadedSpec, machine: str | None, matrix: Matrix
) -> tuple[tuple[ResolvedComponent, ...], tuple[DependencyEdge, ...]]:
    """The components of a rig that resolves, and every fact of the matrix in force among them.

    Each is told once for the components it speaks of. Raises ValueError where the rig cannot exist.
    """
    assembly = ProblemBuilder(spec.rig, machine, matrix)
    _, claims = unsatisfiable_requirements(assembly, spec.document)
    solution = find_newest(assembly, claims)
    if solution is None:
        raise ValueError("a rig that cannot exist has nothing that holds it together")
    settled = tuple(
        ResolvedComponent(c.key, c.name, c.title, solution[c.key].label, c.env)
        for c in assembly.components
    )
    return settled, tuple(_deduplicate(assembly, solution))


def _deduplicate(assembly: ProblemBuilder, solution: Solution) -> Iterator[DependencyEdge]:
    """Rules of one table often differ in their ends alone: the narrowest speaks for all."""
    narrowest: dict[tuple[tuple[str, ...], str, str], tuple[int, DependencyEdge]] = {}
    for row in _active_rules(assembly, solution):
        bond = _bond(assembly, solution, row)
        if bond is not None:
            place = (bond.of, bond.must, bond.fact.statement)
            universe = assembly.universes.get(row.must[0])
            width = bin(universe.mask(row.must[1])).count("1") if universe is not None else 0
            if place not in narrowest or width < narrowest[place][0]:
                narrowest[place] = (width, bond)
    return (bond for _, bond in narrowest.values())


def _active_rules(assembly: ProblemBuilder, solution: Solution) -> Iterator[BoundRule]:
    """Every row whose conditions the solution meets."""
    for sheet in assembly.declared:
        yield from (row for row in sheet.constraints if _meets(assembly, solution, row))
    yield from (row for row in assembly.bound(solution) if _meets(assembly, solution, row))
    yield from (row for row in assembly.advice(solution) if _meets(assembly, solution, row))
    yield from assembly.unasked(solution)


def _meets(assembly: ProblemBuilder, solution: Solution, row: BoundRule) -> bool:
    return all(assembly.universes[key].admits(texts, solution[key]) for key, texts in row.when)


def _bond(assembly: ProblemBuilder, solution: Solution, row: BoundRule) -> DependencyEdge | None:
    key, alternatives = row.must
    rule, chosen = row.rule, solution.get(key)
    of = tuple(dict.fromkeys(k for k, _ in row.when))
    if chosen is None:  # a Python package, of which the lock decides
        return DependencyEdge(of, key, " or ".join(alternatives), _fact(row, rule.statement))
    met = [text for text in alternatives if assembly.universes[key].admits((text,), chosen)]
    if not met and (chosen.version == UNKNOWN or rule.severity == Severity.ERROR.value):
        return None
    if not met:
        asks, words = " or ".join(alternatives), format_statement(rule.statement, chosen.label)
        return DependencyEdge(of, key, asks, _fact(row, words), Severity(rule.severity))
    words = _without_breach(rule.statement)
    return DependencyEdge(of, key, met[0].removeprefix("=="), _fact(row, words)) if words else None


def _fact(row: BoundRule, words: str) -> Fact:
    return Fact(row.rule.id, words, row.rule.sources, row.rule.confidence)


def _without_breach(statement: str) -> str:
    """What a statement says of a rule that is kept: its clauses before those of a wrong value."""
    breach = _VALUE.search(statement)
    if breach is None:
        return statement
    before = max(statement.rfind(mark, 0, breach.start()) for mark in (": ", "; "))
    return statement[:before] if before > 0 else ""
