"""Compare the parts of two machines; None means unknown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from rigspec.compare.model import HardwareComparison, TextRow, ValueRow
from rigspec.diagnostics.model import Source
from rigspec.hardware.gpu_specs import GpuSpecs
from rigspec.hardware.machine_specs import MachineSpecs
from rigspec.hardware.sourced_value import SourcedValue, derive, format_share
from rigspec.spec.models.machine import Cpu, Machine

__all__ = ["ONE", "PRECISIONS", "TOGETHER", "WHOLE", "compare_hardware", "format_gpus"]

ONE = "one GPU"
TOGETHER = "all GPUs"
WHOLE = "the machine"

Pick = Callable[[GpuSpecs], SourcedValue | None]

PRECISIONS: tuple[tuple[str, str, Pick], ...] = (
    ("fp64", "fp64 (double)", lambda gpu: gpu.fp64),
    ("fp32", "fp32 (single)", lambda gpu: gpu.fp32),
    ("tensor_tf32", "tf32 on tensor cores", lambda gpu: gpu.tensor_tf32),
    ("fp16", "fp16 (half)", lambda gpu: gpu.fp16),
    ("tensor_fp16", "fp16 on tensor cores", lambda gpu: gpu.tensor_fp16),
    ("tensor_bf16", "bf16 on tensor cores", lambda gpu: gpu.tensor_bf16),
    ("tensor_int8", "int8 on tensor cores", lambda gpu: gpu.tensor_int8),
)


def compare_hardware(
    machines: tuple[Machine, Machine], a: MachineSpecs, b: MachineSpecs
) -> HardwareComparison:
    """Compare one GPU, all GPUs, and the whole machine."""
    texts = (
        TextRow("gpu", "GPU", format_gpus(a.gpus), format_gpus(b.gpus), _collect_gpu_sources(a, b)),
        TextRow(
            "compute_capability",
            "compute capability",
            _format_capabilities(a),
            _format_capabilities(b),
        ),
        TextRow("processor", "processor", _get_processor(machines[0]), _get_processor(machines[1])),
    )
    shown = tuple(item for item in texts if item.a is not None or item.b is not None)
    rows = (*_iterate_single(a, b), *_iterate_all(a, b), *_iterate_machine(a, b))
    return HardwareComparison(shown, rows, tuple(_iterate_notes((a, b))))


def format_gpus(gpus: tuple[GpuSpecs, ...]) -> str | None:
    """Return the GPUs as text, such as `2 x GTX 1080 Ti`; None without a GPU."""
    models = (
        gpu.model
        if gpu.count == 1
        else f"{format_share(gpu.count)} \N{MULTIPLICATION SIGN} {gpu.model}"
        for gpu in gpus
    )
    return ", ".join(models) or None


def _iterate_single(a: MachineSpecs, b: MachineSpecs) -> Iterator[ValueRow]:
    yield _build_row("memory", "memory", a, b, lambda gpu: gpu.memory)
    yield _build_row("bandwidth", "memory bandwidth", a, b, lambda gpu: gpu.bandwidth)
    for key, name, pick in PRECISIONS:
        yield _build_row(key, name, a, b, pick)


def _build_row(key: str, name: str, a: MachineSpecs, b: MachineSpecs, pick: Pick) -> ValueRow:
    """Return the row for the first GPU of each machine."""
    values = [pick(side.gpus[0]) if side.gpus else None for side in (a, b)]
    return ValueRow(key, name, ONE, values[0], values[1])


def _iterate_all(a: MachineSpecs, b: MachineSpecs) -> Iterator[ValueRow]:
    counts = [_count_gpus(side) for side in (a, b)]
    if all(count is None or count.amount == 1 for count in counts):
        return
    yield ValueRow("count", "GPUs", TOGETHER, counts[0], counts[1])
    yield ValueRow("memory", "memory", TOGETHER, a.vram, b.vram)
    picks: list[tuple[str, str, Pick]] = [
        ("bandwidth", "memory bandwidth", lambda gpu: gpu.bandwidth),
        *PRECISIONS,
    ]
    for key, name, pick in picks:
        yield ValueRow(key, name, TOGETHER, _sum_gpus(a, pick), _sum_gpus(b, pick))


def _sum_gpus(side: MachineSpecs, pick: Pick) -> SourcedValue | None:
    """Return the sum over all GPUs of a machine, or None if one of them is unknown."""
    parts = [(pick(gpu), max(gpu.count, Decimal(1))) for gpu in side.gpus]
    known = [(figure, count) for figure, count in parts if figure is not None]
    if not known or len(known) < len(parts):
        return None
    amount = sum((figure.amount * count for figure, count in known), Decimal(0))
    return derive(amount, known[0][0].unit, "of all GPUs", *(figure for figure, _ in known))


def _count_gpus(side: MachineSpecs) -> SourcedValue | None:
    if not side.gpus:
        return None
    count = sum((gpu.count for gpu in side.gpus), Decimal(0))
    return SourcedValue(count, "GPUs", "spec" if side.instance is None else "matrix")


def _iterate_machine(a: MachineSpecs, b: MachineSpecs) -> Iterator[ValueRow]:
    yield ValueRow("threads", "threads (vCPU)", WHOLE, _get_threads(a), _get_threads(b))
    yield ValueRow("ram", "main memory", WHOLE, a.ram, b.ram)
    yield ValueRow("storage", "storage", WHOLE, a.storage, b.storage)
    full = [side.power.full if side.power is not None else None for side in (a, b)]
    yield ValueRow("watts", "power under full load", WHOLE, full[0], full[1])


def _get_threads(side: MachineSpecs) -> SourcedValue | None:
    """Return the threads; a vCPU counts as one thread."""
    threads = side.threads
    if threads is None:
        return None
    return SourcedValue(threads.amount, "threads", threads.origin, threads.sources, threads.unit)


def _format_capabilities(side: MachineSpecs) -> str | None:
    capabilities = dict.fromkeys(
        gpu.compute_capability for gpu in side.gpus if gpu.compute_capability
    )
    return ", ".join(capabilities) or None


def _get_processor(machine: Machine) -> str | None:
    return machine.cpu.model if isinstance(machine.cpu, Cpu) else machine.cpu


def _collect_gpu_sources(*sides: MachineSpecs) -> tuple[Source, ...]:
    releases = [gpu.release for side in sides for gpu in side.gpus if gpu.release is not None]
    return tuple(dict.fromkeys(source for release in releases for source in release.sources))


def _iterate_notes(sides: tuple[MachineSpecs, MachineSpecs]) -> Iterator[str]:
    for side in sides:
        if len(side.gpus) > 1:
            yield f"{side.name} has several GPU models; \u201cone GPU\u201d is the first of them"
        for gpu in side.gpus:
            if 0 < gpu.count < 1:
                part = format_share(gpu.count)
                yield f"{side.name} has {part} of a GPU; its values are {part} of those of the card"
        if side.power is not None and side.power.full is not None and side.power.unknown_full:
            yield f"the power of {side.name} does not include {', '.join(side.power.unknown_full)}"
        yield from _iterate_unknown_cards(side)
    if any(figure.unit == "vCPU" for side in sides if (figure := side.threads) is not None):
        yield "a vCPU is a thread of the host's processor, not a core"


def _iterate_unknown_cards(side: MachineSpecs) -> Iterator[str]:
    """Yield notes on cards that the matrix has no figures for."""
    unknown = [gpu for gpu in side.gpus if gpu.release is None]
    cards = ", ".join(f"`{gpu.model}`" for gpu in unknown)
    rented = side.instance.release if side.instance is not None else None
    from_instance = rented is not None and any(not gpu.boards for gpu in unknown)
    if rented is not None and from_instance and rented.get("card") is None:
        yield (
            f"{cards} has several variants, and {rented.family} does not document which one "
            f"{side.name} has; values that differ are unknown"
        )
    elif unknown:
        origin = "instance" if from_instance else "spec"
        yield f"{cards} of {side.name} is not in the matrix; its values come from the {origin}"
