"""The specifications of a machine, declared part by part or rented."""

from __future__ import annotations

from rigspec.frozen import dataclass
from rigspec.hardware.clearance import Clearance, find_clearance
from rigspec.hardware.cost import (
    Cost,
    Exchange,
    Payback,
    compute_cost,
    compute_payback,
    explain_no_payback,
    keep_currency,
)
from rigspec.hardware.gpu_specs import GpuSpecs, list_declared_gpus
from rigspec.hardware.instances import Instance, build_instance_gpus, find_instance
from rigspec.hardware.machine_context import MachineContext
from rigspec.hardware.memory import compute_vram, get_ram
from rigspec.hardware.pcie import Lanes, compute_lanes
from rigspec.hardware.power import Power, compute_power
from rigspec.hardware.sourced_value import SourcedValue, add_up, read_matrix_value, read_spec_value
from rigspec.matrix.model import Matrix
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.machine_limits import limit_spec

__all__ = ["MachineSpecs", "build_machine_specs"]


@dataclass(frozen=True)
class MachineSpecs:
    """The specifications of a machine. ``power`` and ``lanes`` are ``None`` for rented machines.

    ``payback`` is relative to the machine under ``against`` in the spec; ``no_payback`` is the
    reason if there is none.
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


def build_machine_specs(
    spec: LoadedSpec, name: str, matrix: Matrix, exchange: Exchange = keep_currency
) -> MachineSpecs:
    """Compute the specifications of a machine, with all amounts converted by ``exchange``.

    The matrix needs the products of ``list_part_products``.
    """
    machine = MachineContext(limit_spec(spec, name), name, matrix)
    instance = find_instance(machine)
    gpus = list_declared_gpus(machine)
    if instance is not None and not gpus:
        gpus = build_instance_gpus(machine, instance)
    rented = machine.table.is_rented
    power = None if rented else compute_power(machine, gpus)
    hourly = instance.price if instance is not None else None
    cost = compute_cost(machine, power, hourly, exchange)
    payback, no_payback = _compute_payback(machine, cost, exchange)
    return MachineSpecs(
        name=name,
        kind=machine.table.kind,
        instance=instance,
        gpus=gpus,
        vram=compute_vram(gpus),
        threads=_find_threads(machine, instance),
        ram=get_ram(machine) or (instance.ram if instance is not None else None),
        storage=_add_up_storage(machine),
        lanes=None if rented else compute_lanes(machine, gpus),
        clearance=find_clearance(machine),
        power=power,
        cost=cost,
        payback=payback,
        no_payback=no_payback,
    )


def _compute_payback(
    machine: MachineContext, owned: Cost, exchange: Exchange
) -> tuple[Payback | None, str]:
    """Return the payback, or the reason why there is none; neither without ``against``."""
    against = machine.table.against
    if against is None:
        return None, ""
    rented = MachineContext(machine.spec, against, machine.matrix)
    instance = find_instance(rented)
    hourly = instance.price if instance is not None else None
    other = compute_cost(rented, None, hourly, exchange)
    found = compute_payback(machine, owned, other)
    return found, explain_no_payback(machine, owned, other) if found is None else ""


def _find_threads(machine: MachineContext, instance: Instance | None) -> SourcedValue | None:
    own = machine.own_cpu
    declared = read_spec_value(own.threads if own is not None else None, "threads")
    known = declared or read_matrix_value(machine.cpu, "threads", "threads")
    return known or (instance.vcpus if instance is not None else None)


def _add_up_storage(machine: MachineContext) -> SourcedValue | None:
    disks = [read_spec_value(d.size.octets * d.count / 10**9, "GB") for d in machine.table.storage]
    known = tuple(disk for disk in disks if disk is not None)
    return add_up(known, "GB", "of all disks") if known else None
