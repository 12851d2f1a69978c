"""The ways out of a rig's conflicts: of each alone, and of all of them together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from rigspec.matrix.loader import load_matrix, product_names
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.resolve.build_resolution import build_resolution
from rigspec.resolve.conflicts.correction_sets import (
    RequirementEdit,
    correction_sets,
    is_satisfiable_with,
)
from rigspec.resolve.conflicts.unknown_names import unsatisfiable_requirements
from rigspec.resolve.conflicts.unsat_core import Conflict
from rigspec.resolve.problem.builder import ProblemBuilder, required_products
from rigspec.resolve.problem.model import Problem
from rigspec.resolve.solver.search import find_newest
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.rig import Rig

__all__ = ["RepairOption", "find_repairs"]

Changes = tuple[RequirementEdit, ...]


@dataclass(frozen=True)
class RepairOption:
    """Changes to the spec, and what all of it resolves to with them.

    ``resolution`` is None where something else stays wrong.
    """

    changes: Changes
    resolution: Resolution | None


def find_repairs(
    spec: LoadedSpec,
    machine: str | None,
    matrix: Matrix,
    problem: Problem,
    conflicts: Sequence[Conflict],
    *,
    whole: bool,
) -> list[tuple[RepairOption, ...]]:
    """The ways out of each conflict; the last one's end with the way out of all together.

    Unless the problem is the ``whole`` spec, other lines of it stay wrong whatever is changed.
    """
    of_all = _joint_repairs(spec, machine, matrix, problem, conflicts)
    if not whole:
        of_all = (replace(way, resolution=None) for way in of_all)
    if len(conflicts) == 1:
        return [tuple(of_all)]
    joint = next(of_all, None)
    found = []
    for conflict in conflicts:
        alone = _without_other_conflicts(problem, conflict, conflicts)
        offered = list(correction_sets(alone, conflict.claims))
        share = _edits_for_conflict(joint.changes, alone, conflict) if joint is not None else ()
        if share:
            # What is offered first goes with what the others offer first.
            offered = [share, *(changes for changes in offered if changes != share)]
        found.append(tuple(RepairOption(changes, None) for changes in offered))
    if joint is not None:
        found[-1] = (*found[-1], joint)
    return found


def _joint_repairs(
    spec: LoadedSpec,
    machine: str | None,
    matrix: Matrix,
    problem: Problem,
    conflicts: Sequence[Conflict],
) -> Iterator[RepairOption]:
    """What mends every conflict, each resolved again from the changed spec."""
    claims = tuple(claim for conflict in conflicts for claim in conflict.claims)
    for changes in correction_sets(problem, claims):
        rig = Rig.model_validate(_apply_edits(spec.document.value, changes))
        resolution = _resolution(LoadedSpec(rig, spec.document), machine, matrix)
        if resolution is not None:
            yield RepairOption(changes, resolution)


def _without_other_conflicts(
    problem: Problem, conflict: Conflict, conflicts: Sequence[Conflict]
) -> Problem:
    """The problem without the lines of the other conflicts."""
    others = {claim for other in conflicts for claim in other.claims} - {*conflict.claims}
    return replace(problem, claims=tuple(c for c in problem.claims if c not in others))


def _edits_for_conflict(joint: Changes, alone: Problem, conflict: Conflict) -> Changes:
    """Those of the joint changes without which this conflict stands."""
    share = tuple(change for change in joint if change.claim in alone.claims)
    for change in share:
        rest = tuple(other for other in share if other is not change)
        if change.claim not in conflict.claims and is_satisfiable_with(alone, rest):
            share = rest
    return share if is_satisfiable_with(alone, share) else ()


def _apply_edits(value: Any, changes: Changes) -> Any:
    """The values of a spec with these changes made."""
    changed = deepcopy(value)
    for change in changes:
        *tables, key = change.claim.place or ()
        table = changed
        for part in tables:
            table = table[part]
        table[key] = change.after
    return changed


def _resolution(spec: LoadedSpec, machine: str | None, matrix: Matrix) -> Resolution | None:
    """What the spec resolves to, but for lines that no release satisfies."""
    rig = spec.rig
    needed = [name for name in required_products(rig, machine) if name in product_names()]
    if any(name not in matrix for name in needed):
        matrix = load_matrix(needed)
    assembly = ProblemBuilder(rig, machine, matrix)
    _, claims = unsatisfiable_requirements(assembly, spec.document)
    solution = find_newest(assembly, claims)
    if solution is None:
        return None
    return build_resolution(rig, machine, matrix, tuple(assembly.unasked(solution)), solution)
