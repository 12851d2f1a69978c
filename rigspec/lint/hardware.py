"""What is wrong, tight or unknown about the parts of a machine."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.hardware.clearance import clearance_advice
from rigspec.hardware.cost import budget_advice
from rigspec.hardware.gpu_specs import half_precision_advice
from rigspec.hardware.instances import instance_advice
from rigspec.hardware.machine_context import MachineContext
from rigspec.hardware.machine_specs import MachineSpecs
from rigspec.hardware.memory import memory_advice, supported_memory_types
from rigspec.hardware.multi_gpu import sharing_advice
from rigspec.hardware.pcie import lanes_advice
from rigspec.hardware.power import power_advice
from rigspec.matrix.model import Matrix
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.machine import Machine

__all__ = ["hardware_advice"]


def hardware_advice(
    spec: LoadedSpec, name: str, matrix: Matrix, figures: MachineSpecs
) -> Iterator[Diagnostic]:
    """Every diagnostic about the parts of one machine (RS102 to RS119)."""
    machine = MachineContext(spec, name, matrix)
    if figures.instance is not None:
        yield from instance_advice(machine, figures.instance)
    yield from memory_advice(machine, figures.ram, figures.vram)
    if figures.lanes is not None:
        yield from lanes_advice(machine, figures.lanes)
    yield from clearance_advice(machine, figures.gpus, figures.clearance)
    if figures.power is not None:
        yield from power_advice(machine, figures.power, figures.gpus)
    yield from half_precision_advice(machine, figures.gpus)
    yield from sharing_advice(machine, figures.gpus)
    yield from budget_advice(machine, figures.cost)
    yield from _unchecked(machine, figures)


def _unchecked(machine: MachineContext, figures: MachineSpecs) -> Iterator[Diagnostic]:
    """One note for all that the spec names and nobody gives a figure for."""
    missing = tuple(_missing(machine, figures))
    keys = [key for _, key in missing if key]
    if missing:
        yield machine.diagnostic(
            "RS109",
            Severity.NOTE,
            f"not checked: {'; '.join(what for what, _ in missing)}",
            machine.span(),
            help=(f"to have it checked, write {', '.join(dict.fromkeys(keys))}",) if keys else (),
        )


def _missing(machine: MachineContext, figures: MachineSpecs) -> Iterator[tuple[str, str]]:
    table = machine.table
    if table.motherboard is not None and not table.motherboard.slots and figures.gpus:
        yield "the board's slots", "`slots` of the motherboard"
    if figures.lanes is not None and table.cpu is not None and figures.lanes.of_cpu is None:
        yield "the processor's PCIe lanes", "`pcie_lanes` of the cpu"
    if table.memory is not None and not any(supported_memory_types(machine)):
        yield "the type of memory", "`memory` of the motherboard"
    if table.case is not None and not figures.clearance.slots and figures.gpus:
        yield "the room for cards in the case", "`gpu_clearance` of the case"
    if figures.clearance.slots:
        for gpu in figures.gpus:
            if gpu.length is None and gpu.length_range is None:
                yield f"the length of the {gpu.model}", "its `length`"
    power = figures.power
    if power is not None and power.supply is not None and power.unknown_full:
        yield f"the power of {', '.join(power.unknown_full)}", "their `watts`"
    yield from _uncounted(table, figures)
    if table.psu is not None and table.psu.efficiency and power and power.grade is None:
        yield f"the efficiency of `{table.psu.efficiency}`", "an 80 PLUS grade such as `80+ gold`"


_ONE_CURRENCY = "amounts in one currency"


def _uncounted(table: Machine, figures: MachineSpecs) -> Iterator[tuple[str, str]]:
    """What of the money is not told, or stands in several currencies."""
    cost = figures.cost
    if len(cost.currencies) > 1 and (table.budget is not None or table.price is None):
        yield f"the parts' prices, in {' and '.join(cost.currencies)}", _ONE_CURRENCY
    if cost.mixed:
        yield f"{' and '.join(cost.mixed)} against each other", _ONE_CURRENCY
    if figures.no_payback and not figures.no_payback.startswith("never"):
        one = _ONE_CURRENCY if figures.no_payback.startswith("the prices are in") else ""
        yield f"when it pays for itself ({figures.no_payback})", one
    elif (table.electricity or table.idle_hours) and figures.power and cost.monthly is None:
        yield "what it costs to run", " and ".join(_unpaid(table))


def _unpaid(table: Machine) -> Iterator[str]:
    """What is needed to say what a machine costs to run, and is not told."""
    told = {"electricity": table.electricity, "hours": table.hours}
    missing = [f"`{key}`" for key, value in told.items() if value is None]
    yield from missing or ["the `watts` of its parts"]
