"""GPUs that work together or are shared: peer access, the IOMMU, users and their containers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.hardware.gpu_specs import GpuSpecs
from rigspec.hardware.machine_context import MachineContext, fact_of

__all__ = ["container_devices", "sharing_advice"]

# What turns the kernel's address translation on, off, or lets devices pass.
_ON = frozenset({"intel_iommu=on", "amd_iommu=on", "amd_iommu=force", "iommu=force", "iommu=on"})
_OFF = frozenset({"intel_iommu=off", "amd_iommu=off", "iommu=off", "iommu=pt"})


def container_devices(gpus: Iterable[int]) -> tuple[str, ...]:
    """The device files that a container gets for these GPUs: theirs, and two that all share."""
    own = tuple(f"/dev/nvidia{gpu}" for gpu in sorted(set(gpus)))
    return (*own, "/dev/nvidiactl", "/dev/nvidia-uvm")


def sharing_advice(machine: MachineContext, gpus: tuple[GpuSpecs, ...]) -> Iterator[Diagnostic]:
    """What several GPUs of one machine, or several users of its GPUs, should know."""
    count = sum((gpu.count for gpu in gpus), Decimal(0))
    if count >= 2 and machine.table.kind == "on-premise":
        yield from _iommu(machine, count)
        yield from _peers(machine, gpus)
    yield from _threads(machine, count)
    yield from _users(machine, count)


def _iommu(machine: MachineContext, count: Decimal) -> Iterator[Diagnostic]:
    arguments = machine.table.kernel_args
    guidance = machine.guidance("iommu")
    facts = (fact_of(guidance, guidance.get("statement") or ""),)
    on = next((index for index, text in enumerate(arguments) if text in _ON), None)
    if on is not None and "iommu=pt" not in arguments:
        yield machine.diagnostic(
            "RS113",
            Severity.WARNING,
            f"the IOMMU is on: copies between the {count} GPUs hang or are lost",
            machine.span("kernel_args", on, label="turns the IOMMU on"),
            facts=facts,
            help=(
                'write `kernel_args = ["intel_iommu=off"]` (AMD: `amd_iommu=off`), or `iommu=pt`',
            ),
        )
    elif on is None and not _OFF & set(arguments):
        yield machine.diagnostic(
            "RS113",
            Severity.NOTE,
            f"whether the IOMMU lets the {count} GPUs copy to each other is left to the kernel",
            machine.span("gpus"),
            facts=facts,
            help=(
                'if copies hang, write `kernel_args = ["intel_iommu=off"]` (or `amd_iommu=off`)',
            ),
        )


def _peers(machine: MachineContext, gpus: tuple[GpuSpecs, ...]) -> Iterator[Diagnostic]:
    for index, gpu in enumerate(gpus):
        told = gpu.release.get("peer_to_peer") if gpu.release is not None else None
        if gpu.count >= 2 and gpu.release is not None and told is not None:
            statement = f"the {gpu.release.version} reaches another's memory {told}"
            yield machine.diagnostic(
                "RS114",
                Severity.NOTE,
                statement,
                machine.span("gpus", index, "model"),
                facts=(fact_of(gpu.release, statement, "peer_to_peer"),),
            )


def _threads(machine: MachineContext, count: Decimal) -> Iterator[Diagnostic]:
    own, cpu = machine.own_cpu, machine.cpu
    told = str(own.threads) if own is not None and own.threads else None
    told = told or (cpu.get("threads") if cpu is not None else None)
    if told is None or not count:
        return
    guidance = machine.guidance("threads-per-gpu")
    wanted = Decimal(guidance.get("threads") or 0) * count
    if Decimal(told) < wanted:
        yield machine.diagnostic(
            "RS110",
            Severity.WARNING,
            f"{told} threads feed {count} GPU{'s' if count > 1 else ''}; {wanted} would",
            machine.span("cpu", label=f"{told} threads"),
            machine.span("gpus", label=f"{count} GPU{'s' if count > 1 else ''}"),
            facts=(fact_of(guidance, guidance.get("statement") or ""),),
        )


def _users(machine: MachineContext, count: Decimal) -> Iterator[Diagnostic]:
    users = {name: user.gpus for name, user in machine.rig.user.items() if user.gpus}
    for gpu in sorted({gpu for gpus in users.values() for gpu in gpus}):
        sharing = [name for name, gpus in users.items() if gpu in gpus]
        if len(sharing) > 1 and gpu < count:
            names = " and ".join(sharing) if len(sharing) == 2 else ", ".join(sharing)
            devices = ", ".join(container_devices([gpu]))
            spans = [
                machine.spec.document.span(("user", name, "gpus"), label=f"GPU {gpu}")
                for name in sharing
            ]
            yield machine.diagnostic(
                "RS116",
                Severity.NOTE,
                f"GPU {gpu} is given to {names}: they share its memory and its time",
                *spans,
                help=(f"a container of each needs {devices}; nothing keeps one from the other's",),
            )
