"""Repairs of a rig's conflicts: of each alone, and of all together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from rigspec.matrix.loader import list_product_names, load_matrix
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.resolve.build_resolution import build_resolution
from rigspec.resolve.conflicts.correction_sets import (
    RequirementEdit,
    find_correction_sets,
    is_satisfiable_with,
)
from rigspec.resolve.conflicts.unknown_names import find_unsatisfiable_requirements
from rigspec.resolve.conflicts.unsat_core import Conflict
from rigspec.resolve.problem.builder import list_required_products
from rigspec.resolve.problem.model import Problem
from rigspec.resolve.solver.contemporary_python import find_preferred
from rigspec.resolve.solver.cuda_source import build_problem, drop_unneeded_toolkit
from rigspec.resolve.solver.sat import SolverSession
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.machine_limits import limit_to_machine
from rigspec.spec.models.rig import Rig

__all__ = ["Acceptance", "RepairOption", "find_repairs"]

Changes = tuple[RequirementEdit, ...]
# Whether an edited spec that resolves so, with the tables that it needs, has no other errors.
Acceptance = Callable[[LoadedSpec, Matrix, Resolution], bool]


@dataclass(frozen=True)
class RepairOption:
    """Edits to the spec and the resolution with them.

    ``resolution`` is None where other errors remain.
    """

    changes: Changes
    resolution: Resolution | None


def find_repairs(
    spec: LoadedSpec,
    machine: str | None,
    matrix: Matrix,
    session: SolverSession,
    conflicts: Sequence[Conflict],
    *,
    whole: bool,
    accepts: Acceptance,
) -> list[tuple[RepairOption, ...]]:
    """Return the ways out of each conflict; the last one's end with the way out of all together.

    Unless the problem is the ``whole`` spec, other lines of it stay wrong whatever is changed.
    Repairs with which the spec has other errors are offered only if it has them with each repair.
    """
    of_all = _joint_repairs(spec, machine, matrix, session, conflicts, accepts)
    if not whole:
        of_all = (replace(way, resolution=None) for way in of_all)
    if len(conflicts) == 1:
        return [tuple(of_all)]
    joint = next(of_all, None)
    found = []
    for conflict in conflicts:
        alone = _without_other_conflicts(session.problem, conflict, conflicts)
        offered = list(find_correction_sets(session, alone, conflict.requirements))
        share = _edits_for_conflict(session, joint, alone, conflict) if joint is not None else ()
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
    session: SolverSession,
    conflicts: Sequence[Conflict],
    accepts: Acceptance,
) -> Iterator[RepairOption]:
    """Yield repairs of every conflict, each resolved again from the edited spec."""
    rejected: list[Changes] = []
    accepted = False
    requirements = tuple(
        requirement for conflict in conflicts for requirement in conflict.requirements
    )
    for changes in find_correction_sets(
        session, session.problem, requirements, _count_least_edits(session.problem, conflicts)
    ):
        edits = _apply_edits(spec.document.value, changes)
        rig = limit_to_machine(Rig.model_validate(edits), machine)
        edited = LoadedSpec(rig, spec.document)
        tables = _load_tables(rig, machine, matrix)
        resolution = _resolution(edited, machine, tables)
        if resolution is None:
            continue
        if accepts(edited, tables, resolution):
            accepted = True
            yield RepairOption(changes, resolution)
        else:
            rejected.append(changes)
    if not accepted:
        yield from (RepairOption(changes, None) for changes in rejected)


def _count_least_edits(problem: Problem, conflicts: Sequence[Conflict]) -> int:
    """Return how many lines have to change at least: conflicts share none of the spec.

    One line that is added, in place of a default, may resolve several.
    """
    can_add = any(line.path is None and line.place is not None for line in problem.requirements)
    return 1 if can_add else len(conflicts)


def _without_other_conflicts(
    problem: Problem, conflict: Conflict, conflicts: Sequence[Conflict]
) -> Problem:
    """Return the problem without the lines of the other conflicts."""
    others = {requirement for other in conflicts for requirement in other.requirements} - {
        *conflict.requirements
    }
    return replace(problem, requirements=tuple(c for c in problem.requirements if c not in others))


def _edits_for_conflict(
    session: SolverSession, joint: RepairOption, alone: Problem, conflict: Conflict
) -> Changes:
    """Return the edits of the joint repair that this conflict needs."""
    left = frozenset(alone.requirements)
    share = tuple(change for change in joint.changes if change.requirement in left)
    for change in share:
        rest = tuple(other for other in share if other is not change)
        if change.requirement not in conflict.requirements and is_satisfiable_with(
            session, alone, rest
        ):
            share = rest
    return share if is_satisfiable_with(session, alone, share) else ()


def _apply_edits(value: Any, changes: Changes) -> Any:
    """Return the values of a spec with these edits."""
    changed = deepcopy(value)
    for change in changes:
        *tables, key = change.requirement.place or ()
        table = changed
        for part in tables:
            table = table[part]
        table[key] = change.after
    return changed


def _load_tables(rig: Rig, machine: str | None, matrix: Matrix) -> Matrix:
    """Return the matrix, or one with the products that an edited rig needs further to its own."""
    needed = [name for name in list_required_products(rig, machine) if name in list_product_names()]
    return load_matrix(needed) if any(name not in matrix for name in needed) else matrix


def _resolution(spec: LoadedSpec, machine: str | None, matrix: Matrix) -> Resolution | None:
    """Return the resolution of the spec without lines that no release satisfies."""
    rig = spec.rig
    builder = build_problem(rig, machine, matrix)
    _, requirements = find_unsatisfiable_requirements(builder, spec.document)
    solution = find_preferred(builder, requirements)
    if solution is None:
        return None
    without = drop_unneeded_toolkit(rig, builder, solution)
    return build_resolution(rig, machine, matrix, tuple(builder.implied_rules(solution)), without)
