"""Check one machine of one rig, as `rigspec check` does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from rigspec.check_dependencies import check_dependencies
from rigspec.diagnostics.levels import ignore_codes
from rigspec.diagnostics.model import Diagnostic, ExpectedPackage, Metric, Report, Severity
from rigspec.diagnostics.order import sort_diagnostics
from rigspec.expected_packages import list_expected_packages
from rigspec.hardware.machine_specs import build_machine_specs
from rigspec.hardware.summary import format_summary
from rigspec.lint.hardware import lint_hardware
from rigspec.lint.host_steps import lint_host_steps
from rigspec.lint.matrix_advisories import lint_advisories
from rigspec.lint.runner import lint
from rigspec.lint.unlisted import lint_unlisted
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.resolve.build_resolution import build_resolution
from rigspec.resolve.conflicts.unknown_names import (
    find_unknown_names,
    find_unsatisfiable_requirements,
)
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.model import Requirement
from rigspec.resolve.solver.contemporary_python import find_preferred
from rigspec.resolve.solver.cuda_source import build_problem, drop_unneeded_toolkit
from rigspec.resolve.solver.preferences import list_locked_preferences
from rigspec.resolve.solver.search import find_newest
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.machine_limits import limit_spec
from rigspec.spec.partial import drop_values

__all__ = ["check_machine", "list_errors"]

# Keys without which the rest of a rig has the same conflicts.
_DROPPED = ("frameworks", "os")


def check_machine(
    spec: LoadedSpec,
    machine: str | None,
    matrix: Matrix,
    *,
    repairs: bool = True,
    installable: bool = True,
    kept: Resolution | None = None,
    moving: Iterable[str] = (),
) -> Report:
    """Resolve one machine; conflicts, warnings and notes are in the report, errors first.

    The matrix must contain the products that ``list_required_products`` names. Without ``repairs``
    conflicts are reported without repairs. Locked versions (``kept``) are preferred, except for
    the components and packages named in ``moving``. Unless ``installable``, parts of the rig that
    no step installs are not reported.
    """
    spec = limit_spec(spec, machine)
    unknown = find_unknown_names(spec, machine, matrix)
    if unknown:
        errors = [error for _, error in unknown]
        rest = drop_values(spec, [path for path, _ in unknown if path[2] in _DROPPED])
        if rest is not None:
            errors += list_errors(rest, machine, matrix)
        return _report(spec, machine, "invalid", None, dict.fromkeys(errors))
    builder = build_problem(spec.rig, machine, matrix)
    beyond, requirements = find_unsatisfiable_requirements(builder, spec.document)
    solution = find_preferred(builder, requirements, list_locked_preferences(builder, kept, moving))
    found: list[Diagnostic] = [*beyond]
    resolution, accepts = None, _Acceptance(machine, installable)
    packages: tuple[ExpectedPackage, ...] = ()
    if solution is None:
        found += _list_conflicts(spec, machine, matrix, builder, requirements, repairs, accepts)
    else:
        needed = drop_unneeded_toolkit(spec.rig, builder, solution)
        implied_rules = tuple(builder.implied_rules(solution))
        resolution = build_resolution(spec.rig, machine, matrix, implied_rules, needed)
        rows = (row for row in builder.advisory_rules(solution) if row.keys <= needed.keys())
        found += lint_advisories(rows, builder.universes, requirements, solution, spec.document)
        checked = check_dependencies(spec, machine, matrix, repairs=repairs, accepts=accepts)
        found += checked.diagnostics
        whole = checked.solution or solution
        packages = tuple(list_expected_packages(spec.rig, matrix, whole, checked.required))
    repaired = (repair.resolution for error in found for repair in error.repairs)
    likely = resolution or next(filter(None, repaired), None) or accepts.likely
    found += lint(spec, machine, matrix, resolution, likely)
    found += lint_unlisted(spec, matrix, is_installed=installable)
    if installable:
        found += accepts.lint_host_steps(spec, matrix, resolution)
    resolution = None if _errors(found) else resolution
    parts, measures = _hardware(spec, machine, matrix)
    status = "conflict" if resolution is None or _errors(parts) else "ok"
    shown = _drop_repeated_notes((*found, *parts))
    report = _report(spec, machine, status, resolution, shown, measures)
    return report if resolution is None else replace(report, packages=packages)


def list_errors(spec: LoadedSpec, machine: str | None, matrix: Matrix) -> list[Diagnostic]:
    """Return the errors of names, versions and conflicts of a spec that has other errors, too.

    A GPU or an instance of an unknown name has any compute capability.
    """
    spec = limit_spec(spec, machine)
    unknown = find_unknown_names(spec, machine, matrix)
    builder = build_problem(spec.rig, machine, matrix)
    beyond, requirements = find_unsatisfiable_requirements(builder, spec.document)
    found = [error for _, error in unknown]
    known = {span.place for error in found for span in error.spans}
    found += [e for e in beyond if not known.intersection(span.place for span in e.spans)]
    if find_newest(builder, requirements) is None:
        accepts = _Acceptance(machine, installable=False)
        found += _list_conflicts(
            spec, machine, matrix, builder, requirements, repairs=False, accepts=accepts
        )
    return found


class _Acceptance:
    """A test of a spec that resolves for errors that depend on its resolution.

    The resolutions of repairs that are not accepted are the likely ones if no other repair is.
    """

    def __init__(self, machine: str | None, installable: bool) -> None:
        self._machine = machine
        self._installable = installable
        self._rejected: list[tuple[Matrix, Resolution]] = []
        self._accepts_any = False

    def __call__(self, spec: LoadedSpec, matrix: Matrix, resolution: Resolution) -> bool:
        if (self._installable and _errors(lint_host_steps(spec, matrix, resolution))) or _errors(
            check_dependencies(spec, self._machine, matrix, repairs=False).diagnostics
        ):
            self._rejected.append((matrix, resolution))
            return False
        self._accepts_any = True
        return True

    @property
    def likely(self) -> Resolution | None:
        """Return the resolution with the first repair, if none is accepted."""
        return self._rejected[0][1] if self._rejected and not self._accepts_any else None

    def lint_host_steps(
        self, spec: LoadedSpec, matrix: Matrix, resolution: Resolution | None
    ) -> Iterator[Diagnostic]:
        """Yield what no step installs, without a resolution what none does with any repair."""
        if resolution is not None or self.likely is None:
            yield from lint_host_steps(spec, matrix, resolution)
            return
        (tables, first), *others = self._rejected
        found = [set(lint_host_steps(spec, *other)) for other in others]
        yield from (
            each
            for each in lint_host_steps(spec, tables, first)
            if all(each in other for other in found)
        )


def _drop_repeated_notes(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Return the diagnostics without notes whose facts an error shows as well."""
    found = tuple(diagnostics)
    errors = [each for each in found if each.severity is Severity.ERROR]
    known = {fact for error in errors for fact in error.facts}
    return tuple(
        each
        for each in found
        if each.severity is not Severity.NOTE or not each.facts or not known.issuperset(each.facts)
    )


def _errors(diagnostics: Iterable[Diagnostic]) -> bool:
    return any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)


def _hardware(
    spec: LoadedSpec, machine: str | None, matrix: Matrix
) -> tuple[tuple[Diagnostic, ...], tuple[Metric, ...]]:
    """Return diagnostics and figures of the hardware; no version depends on them."""
    if machine is None:
        return (), ()
    figures = build_machine_specs(spec, machine, matrix)
    return tuple(lint_hardware(spec, machine, matrix, figures)), format_summary(figures)


def _list_conflicts(
    spec: LoadedSpec,
    machine: str | None,
    matrix: Matrix,
    builder: ProblemBuilder,
    requirements: tuple[Requirement, ...],
    repairs: bool,
    accepts: _Acceptance,
) -> tuple[Diagnostic, ...]:
    # Imported here: a rig that resolves needs none of it.
    from rigspec.resolve.conflicts.diagnose import list_conflicts

    return list_conflicts(
        spec, machine, matrix, builder, requirements, repairs=repairs, accepts=accepts
    )


def _report(
    spec: LoadedSpec,
    machine: str | None,
    status: str,
    resolution: Resolution | None,
    diagnostics: Iterable[Diagnostic],
    hardware: tuple[Metric, ...] = (),
) -> Report:
    ranked = sort_diagnostics(tuple(diagnostics))
    found = Report(spec.document.file, machine, status, resolution, ranked, hardware)
    report = ignore_codes(found, spec.rig.check.ignore)
    if not spec.document.external:
        return report
    # Imported here: most rigs take nothing from other files.
    from rigspec.importing.relocate import relocate_external

    return relocate_external(report, spec.document)
