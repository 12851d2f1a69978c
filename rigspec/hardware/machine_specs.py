"""Everything known of one machine, in figures: declared part by part, or rented."""

from __future__ import annotations

from dataclasses import dataclass

from rigspec.hardware.clearance import Clearance, clearance_of
from rigspec.hardware.cost import Cost, Exchange, Payback, as_told, cost_of, no_payback, payback
from rigspec.hardware.gpu_specs import GpuSpecs, declared_gpus
from rigspec.hardware.instances import Instance, instance_gpus, instance_of
from rigspec.hardware.machine_context import MachineContext
from rigspec.hardware.memory import ram_of, vram_of
from rigspec.hardware.pcie import Lanes, lanes_of
from rigspec.hardware.power import Power, power_of
from rigspec.hardware.sourced_value import SourcedValue, from_matrix, from_spec, total
from rigspec.matrix.model import Matrix
from rigspec.spec.loader import LoadedSpec

__all__ = ["MachineSpecs", "machine_figures"]


@dataclass(frozen=True)
class MachineSpecs:
    """A machine in figures. ``None`` is unknown; ``power`` and ``lanes`` are of owned machines.

    ``payback`` is against the machine that the spec names under ``against``; without a month,
    ``no_payback`` says why.
    """

    name: str
    kind: str
    instance: Instance | None
    gpus: tuple[GpuSpecs, ...]
    vram: SourcedValue | None
    threads: SourcedValue | None
    ram: SourcedValue | None
    storage: SourcedValue | None
    lanes: Lanes | None
    clearance: Clearance
    power: Power | None
    cost: Cost
    payback: Payback | None = None
    no_payback: str = ""


def machine_figures(
    spec: LoadedSpec, name: str, matrix: Matrix, exchange: Exchange = as_told
) -> MachineSpecs:
    """The figures of one machine of a rig. The matrix must hold what ``part_products`` names.

    What it costs is told as ``exchange`` makes it.
    """
    machine = MachineContext(spec, name, matrix)
    instance = instance_of(machine)
    gpus = declared_gpus(machine)
    if instance is not None and not gpus:
        gpus = instance_gpus(machine, instance)
    rented = machine.table.kind == "cloud" or machine.table.instance is not None
    power = None if rented else power_of(machine, gpus)
    hourly = instance.price if instance is not None else None
    cost = cost_of(machine, power, hourly, exchange)
    found, why_none = _payback(machine, cost, exchange)
    return MachineSpecs(
        name=name,
        kind=machine.table.kind,
        instance=instance,
        gpus=gpus,
        vram=vram_of(gpus),
        threads=_threads(machine, instance),
        ram=ram_of(machine) or (instance.ram if instance is not None else None),
        storage=_storage(machine),
        lanes=None if rented else lanes_of(machine, gpus),
        clearance=clearance_of(machine),
        power=power,
        cost=cost,
        payback=found,
        no_payback=why_none,
    )


def _payback(
    machine: MachineContext, owned: Cost, exchange: Exchange
) -> tuple[Payback | None, str]:
    """When it has paid for itself, or why no month can be told; neither where nobody asks."""
    against = machine.table.against
    if against is None:
        return None, ""
    rented = MachineContext(machine.spec, against, machine.matrix)
    instance = instance_of(rented)
    hourly = instance.price if instance is not None else None
    other = cost_of(rented, None, hourly, exchange)
    found = payback(machine, owned, other)
    return found, no_payback(machine, owned, other) if found is None else ""


def _threads(machine: MachineContext, instance: Instance | None) -> SourcedValue | None:
    own = machine.own_cpu
    told = from_spec(own.threads if own is not None else None, "threads")
    known = told or from_matrix(machine.cpu, "threads", "threads")
    return known or (instance.vcpus if instance is not None else None)


def _storage(machine: MachineContext) -> SourcedValue | None:
    disks = [from_spec(d.size.octets * d.count / 10**9, "GB") for d in machine.table.storage]
    known = tuple(disk for disk in disks if disk is not None)
    return total(known, "GB", "of all disks") if known else None
