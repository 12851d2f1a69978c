"""The ways out of a rig's conflicts: of each alone, and of all of them together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

from rigspec.matrix.load import load_matrix, product_names
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.resolve.assemble import Assembly, products_needed
from rigspec.resolve.conflict import Conflict
from rigspec.resolve.names import unsatisfied_claims
from rigspec.resolve.newest import newest_solution
from rigspec.resolve.problem import Problem
from rigspec.resolve.repair import ClaimChange, find_repairs, solved
from rigspec.resolve.resolved import resolved
from rigspec.spec.load import LoadedSpec
from rigspec.spec.model import Rig

__all__ = ["WayOut", "ways_out"]

Changes = tuple[ClaimChange, ...]


@dataclass(frozen=True)
class WayOut:
    """Changes to the spec, and what all of it resolves to with them.

    ``resolution`` is None where something else stays wrong.
    """

    changes: Changes
    resolution: Resolution | None


def ways_out(
    spec: LoadedSpec,
    machine: str | None,
    matrix: Matrix,
    problem: Problem,
    conflicts: Sequence[Conflict],
    *,
    whole: bool,
) -> list[tuple[WayOut, ...]]:
    """The ways out of each conflict; the last one's end with the way out of all together.

    Unless the problem is the ``whole`` spec, other lines of it stay wrong whatever is changed.
    """
    of_all = _of_all(spec, machine, matrix, problem, conflicts)
    if not whole:
        of_all = (replace(way, resolution=None) for way in of_all)
    if len(conflicts) == 1:
        return [tuple(of_all)]
    joint = next(of_all, None)
    found = []
    for conflict in conflicts:
        alone = _apart(problem, conflict, conflicts)
        offered = list(find_repairs(alone, conflict.claims))
        share = _share(joint.changes, alone, conflict) if joint is not None else ()
        if share:
            # What is offered first goes with what the others offer first.
            offered = [share, *(changes for changes in offered if changes != share)]
        found.append(tuple(WayOut(changes, None) for changes in offered))
    if joint is not None:
        found[-1] = (*found[-1], joint)
    return found


def _of_all(
    spec: LoadedSpec,
    machine: str | None,
    matrix: Matrix,
    problem: Problem,
    conflicts: Sequence[Conflict],
) -> Iterator[WayOut]:
    """What mends every conflict, each resolved again from the changed spec."""
    claims = tuple(claim for conflict in conflicts for claim in conflict.claims)
    for changes in find_repairs(problem, claims):
        rig = Rig.model_validate(_changed(spec.document.value, changes))
        resolution = _resolution(LoadedSpec(rig, spec.document), machine, matrix)
        if resolution is not None:
            yield WayOut(changes, resolution)


def _apart(problem: Problem, conflict: Conflict, conflicts: Sequence[Conflict]) -> Problem:
    """The problem without the lines of the other conflicts."""
    others = {claim for other in conflicts for claim in other.claims} - {*conflict.claims}
    return replace(problem, claims=tuple(c for c in problem.claims if c not in others))


def _share(joint: Changes, alone: Problem, conflict: Conflict) -> Changes:
    """Those of the joint changes without which this conflict stands."""
    share = tuple(change for change in joint if change.claim in alone.claims)
    for change in share:
        rest = tuple(other for other in share if other is not change)
        if change.claim not in conflict.claims and solved(alone, rest):
            share = rest
    return share if solved(alone, share) else ()


def _changed(value: Any, changes: Changes) -> Any:
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
    needed = [name for name in products_needed(rig, machine) if name in product_names()]
    if any(name not in matrix for name in needed):
        matrix = load_matrix(needed)
    assembly = Assembly(rig, machine, matrix)
    _, claims = unsatisfied_claims(assembly, spec.document)
    solution = newest_solution(assembly, claims)
    if solution is None:
        return None
    return resolved(rig, machine, matrix, tuple(assembly.unasked(solution)), solution)
