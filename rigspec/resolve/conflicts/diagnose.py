"""The conflicts of a problem as diagnostics, with repairs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from rigspec.diagnostics.model import Diagnostic
from rigspec.matrix.model import Matrix
from rigspec.resolve.conflicts.repairs import Acceptance, RepairOption, find_repairs
from rigspec.resolve.conflicts.report import build_conflict_diagnostic, sort_conflicts
from rigspec.resolve.conflicts.unknown_names import list_unsatisfiable_requirements
from rigspec.resolve.conflicts.unsat_core import Conflict, find_conflicts
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.model import Requirement
from rigspec.resolve.solver.cnf import encode
from rigspec.resolve.solver.sat import SolverSession
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.rig import Rig

__all__ = ["list_conflicts"]


def list_conflicts(
    spec: LoadedSpec,
    machine: str | None,
    matrix: Matrix,
    builder: ProblemBuilder,
    requirements: tuple[Requirement, ...],
    *,
    repairs: bool,
    accepts: Acceptance,
    dependencies: Collection[str] = (),
) -> tuple[Diagnostic, ...]:
    """Return the conflicts of a problem without a solution, with ``repairs`` if they are wanted.

    A repair promises a resolution only if it ``accepts`` the edited spec.
    ``dependencies`` are components of the problem that the spec does not name. With any,
    conflicts between programs alone are left out.
    """
    problem = builder.problem(requirements)
    encoding = encode(problem)
    with SolverSession(problem, encoding) as session:
        conflicts = [
            _without_messages_of(conflict, dependencies)
            for conflict in sort_conflicts(find_conflicts(problem, encoding, session))
            if conflict.is_about_hardware or not dependencies
        ]
        whole = not list_unsatisfiable_requirements(builder)
        found: Sequence[Sequence[RepairOption]] = [()] * len(conflicts)
        if repairs and conflicts:
            found = find_repairs(
                spec, machine, matrix, session, conflicts, whole=whole, accepts=accepts
            )
    diagnostics = []
    for conflict, ways in zip(conflicts, found, strict=True):
        diagnostic = build_conflict_diagnostic(
            conflict, ways, problem, spec.document, searched=repairs
        )
        advice = tuple(_advise_on_machines(spec.rig, machine, conflict)) if repairs else ()
        diagnostics.append(replace(diagnostic, help=(*diagnostic.help, *advice)))
    return tuple(diagnostics)


def _advise_on_machines(rig: Rig, machine: str | None, conflict: Conflict) -> Iterator[str]:
    """Yield the way out by ``machines`` if one environment does not fit one of its machines."""
    keys = {requirement.component for requirement in conflict.requirements}
    keys |= {key for row in conflict.rows for key in row.keys}
    envs = {key.partition("/")[0] for key in keys if "/" in key} & rig.env.keys()
    if not conflict.is_about_hardware or len(envs) != 1:
        return
    (env,) = envs
    machines = rig.env[env].machines or tuple(rig.machine)
    if len(set(machines)) > 1:
        yield f"set `machines` of `[env.{env}]` to those that can run it, without `{machine}`"


def _without_messages_of(conflict: Conflict, dependencies: Collection[str]) -> Conflict:
    """Return a conflict without the failures of rules on versions that pip chooses itself."""
    rows = (
        replace(row, rule=replace(row.rule, failure_message=""))
        if row.requires[0] in dependencies
        else row
        for row in conflict.rows
    )
    return replace(conflict, rows=tuple(rows))
