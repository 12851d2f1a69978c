"""Two machines of one rig, held against each other in everything that is known of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rigspec.compare.compatibility import compare_compatibility
from rigspec.compare.cost import Terms, compared_money, is_rented
from rigspec.compare.hardware import compared_hardware, gpu_title
from rigspec.compare.model import Comparison, Side, Software
from rigspec.compare.software import Decided, UsableLock, locked_software, resolved_software
from rigspec.diagnostics.model import Report
from rigspec.hardware.machine_specs import MachineSpecs, machine_figures
from rigspec.matrix.model import Matrix
from rigspec.resolve.explain.why import UnknownComponent, Unsolvable, why
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.machine import Machine

__all__ = ["Question", "compare_machines"]


@dataclass(frozen=True)
class Question:
    """Two machines of a spec. ``matrices`` are the parts of the matrix that each asks about, by
    name, ``whole`` is all of it; ``reports`` are what `check` says of them. Without a lock
    (``held``) ``why_no_lock`` tells why.
    """

    spec: LoadedSpec
    names: tuple[str, str]
    matrices: Mapping[str, Matrix]
    whole: Matrix
    reports: tuple[Report, Report]
    held: UsableLock | None
    why_no_lock: str
    terms: Terms


def compare_machines(question: Question) -> Comparison:
    """Software, parts, money, and what runs. Pure: no network, no clock, no host."""
    spec, names = question.spec, question.names
    machines = (spec.rig.machine[names[0]], spec.rig.machine[names[1]])
    figures = (_figures(question, names[0]), _figures(question, names[1]))
    return Comparison(
        rig=spec.rig.name,
        summary=spec.rig.summary or "",
        as_of=question.whole.as_of,
        a=_side(names[0], machines[0], figures[0]),
        b=_side(names[1], machines[1], figures[1]),
        software=_software(question),
        hardware=compared_hardware(machines, *figures),
        money=compared_money(spec, names, question.matrices, question.terms),
        runs=compare_compatibility(spec, figures, question.reports, question.whole),
    )


def _figures(question: Question, name: str) -> MachineSpecs:
    return machine_figures(question.spec, name, question.matrices[name])


def _side(name: str, machine: Machine, figures: MachineSpecs) -> Side:
    told = [machine.instance, gpu_title(figures.gpus)]
    return Side(name, is_rented(machine), ", ".join(filter(None, told)) or "no GPU")


def _software(question: Question) -> Software:
    def reason(name: str, component: str) -> str:
        return _reason(question, name, component)

    rig, names = question.spec.rig, question.names
    if question.held is not None:
        return locked_software(rig, names, question.held, reason)
    a, b = (report.resolution for report in question.reports)
    return resolved_software(rig, names, Decided(a, b), question.why_no_lock, reason)


def _reason(question: Question, name: str, component: str) -> str:
    """What stopped a newer version of a component, in the resolver's words."""
    try:
        notes = why(question.spec, name, question.matrices[name], component)
    except (UnknownComponent, Unsolvable):
        return ""
    for note in notes:
        facts = [fact.statement for fact in note.facts]
        return ": ".join([note.message, *facts[:1]])
    return ""
