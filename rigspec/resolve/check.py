"""One machine of one rig, checked: the question that `rigspec check` asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rigspec.diagnostics.model import Diagnostic, Report, Severity
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.resolve.advice import advice
from rigspec.resolve.assemble import assemble
from rigspec.resolve.encode import Encoding, encode
from rigspec.resolve.names import unknown_names, unsatisfied_claims
from rigspec.resolve.problem import Problem
from rigspec.resolve.resolved import resolved
from rigspec.resolve.solve import Solution, SolverSession
from rigspec.spec.load import LoadedSpec

__all__ = ["check_machine"]


def check_machine(spec: LoadedSpec, machine: str | None, matrix: Matrix) -> Report:
    """Resolve one machine; conflicts, warnings and notes are in the report, errors first.

    The matrix must hold the products that ``assemble.products_needed`` names.
    """
    unknown = unknown_names(spec, machine, matrix)
    if unknown:
        return _report(spec, machine, "invalid", None, unknown)
    problem = assemble(spec.rig, machine, matrix)
    beyond, problem = unsatisfied_claims(problem, spec.document)
    encoding = encode(problem)
    with SolverSession(problem, encoding) as session:
        solution = session.newest(encoding.selectors)
        conflicts = (
            _conflicts(spec, machine, matrix, problem, encoding, session)
            if solution is None
            else ()
        )
    resolution = (
        resolved(spec.rig, machine, matrix, problem, solution) if solution is not None else None
    )
    diagnostics = (*beyond, *conflicts, *advice(spec, machine, matrix, resolution))
    errors = any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)
    status = "conflict" if errors else "ok"
    return _report(spec, machine, status, None if errors else resolution, diagnostics)


def _conflicts(
    spec: LoadedSpec,
    machine: str | None,
    matrix: Matrix,
    problem: Problem,
    encoding: Encoding,
    session: SolverSession,
) -> tuple[Diagnostic, ...]:
    # Imported here: a rig that resolves needs none of it.
    from rigspec.resolve.conflict import find_conflicts
    from rigspec.resolve.explain import explain
    from rigspec.resolve.repair import find_repairs

    def resolve(solution: Solution) -> Resolution:
        return resolved(spec.rig, machine, matrix, problem, solution)

    conflicts = tuple(find_conflicts(problem, encoding, session))
    diagnostics = []
    for conflict in conflicts:
        others = {c for other in conflicts if other is not conflict for c in other.claims}
        alone = replace(problem, claims=tuple(c for c in problem.claims if c not in others))
        repairs = find_repairs(alone, conflict.claims, encode(alone))
        diagnostics.append(explain(conflict, repairs, problem, spec.document, resolve))
    return tuple(diagnostics)


def _report(
    spec: LoadedSpec,
    machine: str | None,
    status: str,
    resolution: Resolution | None,
    diagnostics: Iterable[Diagnostic],
) -> Report:
    order = (Severity.ERROR, Severity.WARNING, Severity.NOTE)
    ranked: Sequence[Diagnostic] = sorted(diagnostics, key=lambda d: order.index(d.severity))
    return Report(spec.document.file, machine, status, resolution, tuple(ranked))
