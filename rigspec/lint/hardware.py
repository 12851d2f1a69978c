"""Lint the parts of a machine: conflicts, bottlenecks and unknown values."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.hardware.clearance import lint_clearance
from rigspec.hardware.cost import lint_budget
from rigspec.hardware.gpu_specs import lint_half_precision
from rigspec.hardware.instances import lint_instance
from rigspec.hardware.machine_context import MachineContext, build_fact
from rigspec.hardware.machine_specs import MachineSpecs
from rigspec.hardware.memory import find_supported_memory, lint_memory
from rigspec.hardware.multi_gpu import lint_multi_gpu
from rigspec.hardware.pcie import lint_lanes
from rigspec.hardware.power import lint_power
from rigspec.matrix.model import Matrix
from rigspec.resolve.problem.requirements import list_gpus
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.models.machine import Machine

__all__ = ["lint_hardware"]


def lint_hardware(
    spec: LoadedSpec, name: str, matrix: Matrix, specs: MachineSpecs
) -> Iterator[Diagnostic]:
    """Yield every diagnostic about the parts of one machine (RS102 to RS119)."""
    machine = MachineContext(spec, name, matrix)
    yield from _lint_architecture(machine)
    if specs.instance is not None:
        yield from lint_instance(machine, specs.instance)
    yield from lint_memory(machine, specs.ram, specs.vram)
    if specs.lanes is not None:
        yield from lint_lanes(machine, specs.lanes)
    yield from lint_clearance(machine, specs.gpus, specs.clearance)
    if specs.power is not None:
        yield from lint_power(machine, specs.power, specs.gpus)
    yield from lint_half_precision(machine, specs.gpus)
    yield from lint_multi_gpu(machine, specs.gpus)
    yield from lint_budget(machine, specs.cost)
    yield from _lint_unchecked(machine, specs)


def _lint_architecture(machine: MachineContext) -> Iterator[Diagnostic]:
    """Report a GPU or instance that exists only with another architecture than declared."""
    declared = machine.table.arch
    for gpu in list_gpus(machine.table) if declared is not None else ():
        release = gpu.part(machine.matrix)
        arch = release.get("arch") if release is not None else None
        if release is None or arch in (None, declared):
            continue
        yield machine.diagnostic(
            "RS118",
            Severity.ERROR,
            f"{release.label} is on {arch} only, so packages for {declared} do not run",
            machine.span("arch", label=f"is {declared}"),
            machine.span(*gpu.path, label=f"is on {arch}"),
            facts=(build_fact(release, f"{release.label} has an {arch} CPU", "arch"),),
            help=(f"remove `arch`, or set it to `{arch}`",),
        )


def _lint_unchecked(machine: MachineContext, specs: MachineSpecs) -> Iterator[Diagnostic]:
    """Report all parts with unknown values in one note."""
    missing = tuple(_find_missing(machine, specs))
    keys = [key for _, key in missing if key]
    if missing:
        yield machine.diagnostic(
            "RS109",
            Severity.NOTE,
            f"not checked: {'; '.join(dict.fromkeys(name for name, _ in missing))}",
            machine.span(),
            help=(f"add {', '.join(dict.fromkeys(keys))} to the spec",) if keys else (),
        )


def _find_missing(machine: MachineContext, specs: MachineSpecs) -> Iterator[tuple[str, str]]:
    table = machine.table
    if table.motherboard is not None and not table.motherboard.slots and specs.gpus:
        yield "slots of the motherboard", "`slots` of the motherboard"
    if specs.lanes is not None and table.cpu is not None and specs.lanes.of_cpu is None:
        yield "PCIe lanes of the CPU", "`pcie_lanes` of the cpu"
    if table.memory is not None and not any(find_supported_memory(machine)):
        yield "memory type", "`memory` of the motherboard"
    if table.case is not None and not specs.clearance.slots and specs.gpus:
        yield "GPU clearance of the case", "`gpu_clearance` of the case"
    if specs.clearance.slots:
        for gpu in specs.gpus:
            if gpu.length is None and gpu.length_range is None:
                yield f"length of the {gpu.model}", "`length` of the GPU"
    power = specs.power
    if power is not None and power.supply is not None and power.unknown_full:
        yield f"power of {', '.join(power.unknown_full)}", "their `watts`"
    yield from _find_missing_amounts(table, specs)
    if table.psu is not None and table.psu.efficiency and power and power.grade is None:
        yield f"efficiency of `{table.psu.efficiency}`", "an 80 PLUS grade such as `80+ gold`"


_ONE_CURRENCY = "amounts in one currency"


def _find_missing_amounts(table: Machine, specs: MachineSpecs) -> Iterator[tuple[str, str]]:
    """Yield the amounts that are unknown, or in more than one currency."""
    cost = specs.cost
    if len(cost.currencies) > 1 and (table.budget is not None or table.price is None):
        yield f"prices of the parts, in {' and '.join(cost.currencies)}", _ONE_CURRENCY
    if cost.mixed:
        yield f"{' and '.join(cost.mixed)} in different currencies", _ONE_CURRENCY
    if specs.no_payback and not specs.no_payback.startswith("never"):
        one = _ONE_CURRENCY if specs.no_payback.startswith("the prices are in") else ""
        yield f"payback time ({specs.no_payback})", one
    elif (table.electricity or table.idle_hours) and specs.power and cost.monthly is None:
        yield "running cost", " and ".join(_find_missing_inputs(table))


def _find_missing_inputs(table: Machine) -> Iterator[str]:
    """Yield the missing inputs of the running cost."""
    inputs = {"electricity": table.electricity, "hours": table.hours}
    missing = [f"`{key}`" for key, value in inputs.items() if value is None]
    yield from missing or ["the `watts` of its parts"]
