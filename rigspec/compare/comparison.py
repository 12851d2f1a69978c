"""Compare software, hardware, cost and compatibility of two machines of a rig."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rigspec.compare.compatibility import compare_compatibility
from rigspec.compare.cost import CostTerms, compare_costs
from rigspec.compare.hardware import compare_hardware, format_gpus
from rigspec.compare.model import Comparison, Side, SoftwareComparison
from rigspec.compare.software import (
    Resolutions,
    UsableLock,
    compare_locked_software,
    compare_resolved_software,
)
from rigspec.diagnostics.model import Report
from rigspec.hardware.machine_specs import MachineSpecs, build_machine_specs
from rigspec.matrix.model import Matrix
from rigspec.resolve.explain.why import UnknownComponent, Unsolvable, explain_component
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.machine import Machine

__all__ = ["ComparisonRequest", "compare_machines"]


@dataclass(frozen=True)
class ComparisonRequest:
    """Two machines of a spec and the data for their comparison.

    Attributes:
        matrices: the part of the matrix that each machine needs, by its name.
        whole: the complete matrix.
        reports: the results of ``rigspec check``.
        lock: a lock that matches the spec, or None; then ``lock_problem`` is the reason.

    """

    spec: LoadedSpec
    names: tuple[str, str]
    matrices: Mapping[str, Matrix]
    whole: Matrix
    reports: tuple[Report, Report]
    lock: UsableLock | None
    lock_problem: str
    terms: CostTerms


def compare_machines(question: ComparisonRequest) -> Comparison:
    """Compare two machines. Pure: no network, no clock, no host."""
    spec, names = question.spec, question.names
    machines = (spec.rig.machine[names[0]], spec.rig.machine[names[1]])
    figures = (_load_figures(question, names[0]), _load_figures(question, names[1]))
    return Comparison(
        rig=spec.rig.name,
        summary=spec.rig.summary or "",
        as_of=question.whole.as_of,
        a=_build_side(names[0], machines[0], figures[0]),
        b=_build_side(names[1], machines[1], figures[1]),
        software=_compare_software(question),
        hardware=compare_hardware(machines, *figures),
        cost=compare_costs(spec, names, question.matrices, question.terms),
        compatibility=compare_compatibility(spec, figures, question.reports, question.whole),
    )


def _load_figures(question: ComparisonRequest, name: str) -> MachineSpecs:
    return build_machine_specs(question.spec, name, question.matrices[name])


def _build_side(name: str, machine: Machine, figures: MachineSpecs) -> Side:
    parts = [machine.instance, format_gpus(figures.gpus)]
    return Side(name, machine.is_rented, ", ".join(filter(None, parts)) or "no GPU")


def _compare_software(question: ComparisonRequest) -> SoftwareComparison:
    def reason(name: str, component: str) -> str:
        return _explain_version(question, name, component)

    rig, names = question.spec.rig, question.names
    if question.lock is not None:
        return compare_locked_software(rig, names, question.lock, reason)
    a, b = (report.resolution for report in question.reports)
    return compare_resolved_software(rig, names, Resolutions(a, b), question.lock_problem, reason)


def _explain_version(question: ComparisonRequest, name: str, component: str) -> str:
    """Return why the resolver did not select a newer version of a component."""
    try:
        notes = explain_component(question.spec, name, question.matrices[name], component)
    except (UnknownComponent, Unsolvable):
        return ""
    for note in notes:
        facts = [fact.statement for fact in note.facts]
        return ": ".join([note.message, *facts[:1]])
    return ""
