"""Check machines with several GPUs: IOMMU, peer access, CPU threads, shared GPUs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.hardware.gpu_specs import GpuSpecs
from rigspec.hardware.machine_context import MachineContext, build_fact

__all__ = ["lint_multi_gpu", "list_container_devices"]

# Kernel arguments that enable, disable or bypass IOMMU address translation.
_ON = frozenset({"intel_iommu=on", "amd_iommu=on", "amd_iommu=force", "iommu=force", "iommu=on"})
_OFF = frozenset({"intel_iommu=off", "amd_iommu=off", "iommu=off", "iommu=pt"})


def list_container_devices(gpus: Iterable[int]) -> tuple[str, ...]:
    """Return the device files of these GPUs for a container, with the two that all GPUs share."""
    own = tuple(f"/dev/nvidia{gpu}" for gpu in sorted(set(gpus)))
    return (*own, "/dev/nvidiactl", "/dev/nvidia-uvm")


def lint_multi_gpu(machine: MachineContext, gpus: tuple[GpuSpecs, ...]) -> Iterator[Diagnostic]:
    """Report problems of several GPUs in a machine, and of several users of a GPU."""
    count = sum((gpu.count for gpu in gpus), Decimal(0))
    if count >= 2 and machine.table.kind == "on-premise" and not machine.table.is_rented:
        if not all(map(_has_nvlink, gpus)):
            yield from _lint_iommu(machine, count)
        yield from _lint_peer_access(machine, gpus)
    yield from _lint_threads(machine, count)
    yield from _lint_shared_gpus(machine, count)


def _has_nvlink(gpu: GpuSpecs) -> bool:
    """Return whether copies between cards of this kind do not use PCIe."""
    return gpu.release is not None and gpu.release.get("interconnect") == "NVLink"


def _lint_iommu(machine: MachineContext, count: Decimal) -> Iterator[Diagnostic]:
    arguments = machine.table.kernel_args
    guidance = machine.guidance("iommu")
    facts = (build_fact(guidance, guidance.get("statement") or ""),)
    on = next((index for index, text in enumerate(arguments) if text in _ON), None)
    if on is not None and "iommu=pt" not in arguments:
        yield machine.diagnostic(
            "RS113",
            Severity.WARNING,
            f"copies between the {count} GPUs hang or are lost because the IOMMU is enabled",
            machine.span("kernel_args", on, label="enables the IOMMU"),
            facts=facts,
            help=('set `kernel_args = ["intel_iommu=off"]` (AMD: `amd_iommu=off`), or `iommu=pt`',),
        )
    elif on is None and not _OFF & set(arguments):
        yield machine.diagnostic(
            "RS113",
            Severity.NOTE,
            f"peer-to-peer copies between the {count} GPUs may hang if the IOMMU is enabled",
            machine.span("gpus"),
            facts=facts,
            help=('if copies hang, set `kernel_args = ["intel_iommu=off"]` (or `amd_iommu=off`)',),
        )


def _lint_peer_access(machine: MachineContext, gpus: tuple[GpuSpecs, ...]) -> Iterator[Diagnostic]:
    for index, gpu in enumerate(gpus):
        access = gpu.release.get("peer_to_peer") if gpu.release is not None else None
        if gpu.count >= 2 and gpu.release is not None and access is not None:
            statement = f"peer access between {gpu.release.version} GPUs: {access}"
            yield machine.diagnostic(
                "RS114",
                Severity.NOTE,
                statement,
                machine.span("gpus", index, "model"),
                facts=(build_fact(gpu.release, statement, "peer_to_peer"),),
            )


def _lint_threads(machine: MachineContext, count: Decimal) -> Iterator[Diagnostic]:
    own, cpu = machine.own_cpu, machine.cpu
    threads = str(own.threads) if own is not None and own.threads else None
    threads = threads or (cpu.get("threads") if cpu is not None else None)
    if threads is None or not count:
        return
    guidance = machine.guidance("threads-per-gpu")
    recommended = Decimal(guidance.get("threads") or 0) * count
    if Decimal(threads) < recommended:
        yield machine.diagnostic(
            "RS110",
            Severity.WARNING,
            f"{threads} CPU threads for {count} GPU{'s' if count > 1 else ''}; at least "
            f"{recommended} are recommended",
            machine.span("cpu", label=f"{threads} threads"),
            machine.span("gpus", label=f"{count} GPU{'s' if count > 1 else ''}"),
            facts=(build_fact(guidance, guidance.get("statement") or ""),),
        )


def _lint_shared_gpus(machine: MachineContext, count: Decimal) -> Iterator[Diagnostic]:
    users = {name: user.gpus for name, user in machine.rig.user.items() if user.gpus}
    for gpu in sorted({gpu for gpus in users.values() for gpu in gpus}):
        sharing = [name for name, gpus in users.items() if gpu in gpus]
        if len(sharing) > 1 and gpu < count:
            names = " and ".join(sharing) if len(sharing) == 2 else ", ".join(sharing)
            devices = ", ".join(list_container_devices([gpu]))
            spans = [
                machine.spec.document.span(("user", name, "gpus"), label=f"GPU {gpu}")
                for name in sharing
            ]
            yield machine.diagnostic(
                "RS116",
                Severity.NOTE,
                f"GPU {gpu} is shared by {names}: they compete for its memory and its time",
                *spans,
                help=(f"a container for each user needs {devices}; the users are not isolated",),
            )
