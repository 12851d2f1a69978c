"""What differs in the parts of two machines, in figures. Blank is what nobody tells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from rigspec.compare.model import Hardware, Row, Words
from rigspec.diagnostics.model import Source
from rigspec.hardware.gpu_specs import GpuSpecs
from rigspec.hardware.machine_specs import MachineSpecs
from rigspec.hardware.sourced_value import SourcedValue, count_of, derived
from rigspec.spec.models.machine import Cpu, Machine

__all__ = ["ONE", "PRECISIONS", "TOGETHER", "WHOLE", "compared_hardware", "gpu_title"]

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


def compared_hardware(
    machines: tuple[Machine, Machine], a: MachineSpecs, b: MachineSpecs
) -> Hardware:
    """Rows for one GPU of each, for all of them, and for the machine."""
    words = (
        Words("gpu", "GPU", gpu_title(a.gpus), gpu_title(b.gpus), _gpu_sources(a, b)),
        Words("compute_capability", "compute capability", _capability(a), _capability(b)),
        Words("processor", "processor", _processor(machines[0]), _processor(machines[1])),
    )
    shown = tuple(item for item in words if item.a is not None or item.b is not None)
    rows = (*_one(a, b), *_together(a, b), *_whole(a, b))
    return Hardware(shown, rows, tuple(_notes((a, b))))


def gpu_title(gpus: tuple[GpuSpecs, ...]) -> str | None:
    """`2 x GTX 1080 Ti`, kind by kind; None without a GPU."""
    told = (
        gpu.model
        if gpu.count == 1
        else f"{count_of(gpu.count)} \N{MULTIPLICATION SIGN} {gpu.model}"
        for gpu in gpus
    )
    return ", ".join(told) or None


def _one(a: MachineSpecs, b: MachineSpecs) -> Iterator[Row]:
    yield _first("memory", "memory", a, b, lambda gpu: gpu.memory)
    yield _first("bandwidth", "memory bandwidth", a, b, lambda gpu: gpu.bandwidth)
    for key, name, pick in PRECISIONS:
        yield _first(key, name, a, b, pick)


def _first(key: str, name: str, a: MachineSpecs, b: MachineSpecs, pick: Pick) -> Row:
    """Of the GPU that stands first."""
    found = [pick(side.gpus[0]) if side.gpus else None for side in (a, b)]
    return Row(key, name, ONE, found[0], found[1])


def _together(a: MachineSpecs, b: MachineSpecs) -> Iterator[Row]:
    counts = [_count(side) for side in (a, b)]
    if all(count is None or count.amount == 1 for count in counts):
        return
    yield Row("count", "GPUs", TOGETHER, counts[0], counts[1])
    yield Row("memory", "memory", TOGETHER, a.vram, b.vram)
    picks: list[tuple[str, str, Pick]] = [
        ("bandwidth", "memory bandwidth", lambda gpu: gpu.bandwidth),
        *PRECISIONS,
    ]
    for key, name, pick in picks:
        yield Row(key, name, TOGETHER, _sum(a, pick), _sum(b, pick))


def _sum(side: MachineSpecs, pick: Pick) -> SourcedValue | None:
    """Of all GPUs of a machine, where it is known of each kind."""
    parts = [(pick(gpu), max(gpu.count, Decimal(1))) for gpu in side.gpus]
    known = [(figure, count) for figure, count in parts if figure is not None]
    if not known or len(known) < len(parts):
        return None
    amount = sum((figure.amount * count for figure, count in known), Decimal(0))
    return derived(amount, known[0][0].unit, "of all GPUs", *(figure for figure, _ in known))


def _count(side: MachineSpecs) -> SourcedValue | None:
    if not side.gpus:
        return None
    count = sum((gpu.count for gpu in side.gpus), Decimal(0))
    return SourcedValue(count, "GPUs", "spec" if side.instance is None else "matrix")


def _whole(a: MachineSpecs, b: MachineSpecs) -> Iterator[Row]:
    yield Row("threads", "threads (vCPU)", WHOLE, _threads(a), _threads(b))
    yield Row("ram", "main memory", WHOLE, a.ram, b.ram)
    yield Row("storage", "storage", WHOLE, a.storage, b.storage)
    full = [side.power.full if side.power is not None else None for side in (a, b)]
    yield Row("watts", "power under full load", WHOLE, full[0], full[1])


def _threads(side: MachineSpecs) -> SourcedValue | None:
    """A vCPU is a thread of the host's processor: one unit for both."""
    threads = side.threads
    if threads is None:
        return None
    return SourcedValue(threads.amount, "threads", threads.origin, threads.sources, threads.unit)


def _capability(side: MachineSpecs) -> str | None:
    told = dict.fromkeys(gpu.compute_capability for gpu in side.gpus if gpu.compute_capability)
    return ", ".join(told) or None


def _processor(machine: Machine) -> str | None:
    return machine.cpu.model if isinstance(machine.cpu, Cpu) else machine.cpu


def _gpu_sources(*sides: MachineSpecs) -> tuple[Source, ...]:
    releases = [gpu.release for side in sides for gpu in side.gpus if gpu.release is not None]
    return tuple(dict.fromkeys(source for release in releases for source in release.sources))


def _notes(sides: tuple[MachineSpecs, MachineSpecs]) -> Iterator[str]:
    for side in sides:
        if len(side.gpus) > 1:
            yield f"{side.name} has GPUs of several kinds; \u201cone GPU\u201d is its first"
        for gpu in side.gpus:
            if 0 < gpu.count < 1:
                part = count_of(gpu.count)
                yield f"{side.name} has {part} of a GPU: its figures are {part} of the card's"
        if side.power is not None and side.power.full is not None and side.power.unknown_full:
            yield f"the power of {side.name} is without {', '.join(side.power.unknown_full)}"
        yield from _unknown_cards(side)
    if any(figure.unit == "vCPU" for side in sides if (figure := side.threads) is not None):
        yield "a vCPU is a thread of the host's processor, not a core"


def _unknown_cards(side: MachineSpecs) -> Iterator[str]:
    """Cards of which the matrix tells no figures: unknown ones, and rented ones of any form."""
    unknown = [gpu for gpu in side.gpus if gpu.release is None]
    cards = ", ".join(f"`{gpu.model}`" for gpu in unknown)
    rented = side.instance.release if side.instance is not None else None
    its_own = rented is not None and any(not gpu.boards for gpu in unknown)
    if rented is not None and its_own and rented.get("card") is None:
        yield (
            f"{cards} is sold in several forms, and {rented.family} does not say which {side.name} "
            "has: what they differ in is blank"
        )
    elif unknown:
        whose = "instance" if its_own else "spec"
        yield f"the matrix knows no card {cards} ({side.name}): its figures are the {whose}'s own"
