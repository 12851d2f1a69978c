"""One machine of one rig, checked: the question that `rigspec check` asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from rigspec.diagnostics.model import Diagnostic, Report, Severity
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.resolve.advice import advice
from rigspec.resolve.assemble import Assembly
from rigspec.resolve.kept import kept_choices
from rigspec.resolve.names import unknown_names, unsatisfied_claims
from rigspec.resolve.newest import newest_solution
from rigspec.resolve.problem import Claim
from rigspec.resolve.resolved import resolved
from rigspec.resolve.solve import Solution
from rigspec.resolve.told import told_rules
from rigspec.spec.load import LoadedSpec

__all__ = ["check_machine"]


def check_machine(
    spec: LoadedSpec,
    machine: str | None,
    matrix: Matrix,
    *,
    repairs: bool = True,
    kept: Resolution | None = None,
    moving: Iterable[str] = (),
) -> Report:
    """Resolve one machine; conflicts, warnings and notes are in the report, errors first.

    The matrix must hold the products that ``assemble.products_needed`` names. Without
    ``repairs`` conflicts are told and no way out of them is looked for. What was decided before
    (``kept``) stays where it can, except for the components and packages named in ``moving``.
    """
    unknown = unknown_names(spec, machine, matrix)
    if unknown:
        return _report(spec, machine, "invalid", None, unknown)
    assembly = Assembly(spec.rig, machine, matrix)
    beyond, claims = unsatisfied_claims(assembly, spec.document)
    solution = newest_solution(assembly, claims, kept_choices(assembly, kept, moving))
    found: list[Diagnostic] = [*beyond]
    resolution = None
    if solution is None:
        found += _conflicts(spec, machine, matrix, assembly, claims, repairs)
    else:
        unasked = tuple(assembly.unasked(solution))
        resolution = resolved(spec.rig, machine, matrix, unasked, solution)
        rows = assembly.advice(solution)
        found += told_rules(rows, assembly.universes, claims, solution, spec.document)
    repaired = (repair.resolution for error in found for repair in error.repairs)
    likely = resolution or next(repaired, None)
    found += advice(spec, machine, matrix, resolution, likely)
    errors = any(diagnostic.severity is Severity.ERROR for diagnostic in found)
    status = "conflict" if errors else "ok"
    return _report(spec, machine, status, None if errors else resolution, found)


def _conflicts(
    spec: LoadedSpec,
    machine: str | None,
    matrix: Matrix,
    assembly: Assembly,
    claims: tuple[Claim, ...],
    wanted: bool,
) -> tuple[Diagnostic, ...]:
    # Imported here: a rig that resolves needs none of it.
    from rigspec.resolve.conflict import find_conflicts
    from rigspec.resolve.encode import encode
    from rigspec.resolve.explain import explain
    from rigspec.resolve.repair import find_repairs
    from rigspec.resolve.solve import SolverSession

    def resolve(solution: Solution) -> Resolution:
        unasked = tuple(assembly.unasked(solution))
        return resolved(spec.rig, machine, matrix, unasked, solution)

    problem = assembly.problem(claims)
    encoding = encode(problem)
    with SolverSession(problem, encoding) as session:
        conflicts = tuple(find_conflicts(problem, encoding, session))
    diagnostics = []
    for conflict in conflicts:
        others = {c for other in conflicts if other is not conflict for c in other.claims}
        alone = replace(problem, claims=tuple(c for c in claims if c not in others))
        repairs = find_repairs(alone, conflict.claims, encode(alone)) if wanted else ()
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
