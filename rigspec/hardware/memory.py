"""Check the type and size of the system memory against the motherboard, the CPU and the GPUs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from rigspec.diagnostics.model import Diagnostic, Fact, Severity, Span
from rigspec.frozen import dataclass
from rigspec.hardware.gpu_specs import GpuSpecs
from rigspec.hardware.machine_context import MachineContext, build_fact
from rigspec.hardware.sourced_value import SourcedValue, add_up, read_matrix_value, read_spec_value

__all__ = ["SupportedMemory", "compute_vram", "find_supported_memory", "get_ram", "lint_memory"]
_KIND = re.compile(r"\b(?:LP)?DDR\d?[A-Z]?\b")


@dataclass(frozen=True)
class SupportedMemory:
    """The memory types that a part supports."""

    part: str
    types: tuple[str, ...]
    span: Span
    facts: tuple[Fact, ...]


def get_ram(machine: MachineContext) -> SourcedValue | None:
    """Return the size of the system memory."""
    memory = machine.table.memory
    return read_spec_value(memory.size.gib_of_memory, "GiB") if memory is not None else None


def compute_vram(gpus: tuple[GpuSpecs, ...]) -> SourcedValue | None:
    """Return the memory of all GPUs, if it is known for each."""
    parts = []
    for gpu in gpus:
        if gpu.memory is None:
            return None
        memory = gpu.memory
        whole = memory.amount * max(gpu.count, Decimal(1))
        parts.append(SourcedValue(whole, "GiB", memory.origin, memory.sources))
    return add_up(tuple(parts), "GiB", "of all GPUs") if parts else None


def find_supported_memory(machine: MachineContext) -> Iterator[SupportedMemory]:
    """Yield the memory types that motherboard and CPU support, from the spec or the matrix."""
    board, chipset = machine.table.motherboard, machine.chipset
    if board is not None and board.memory is not None:
        span = machine.span("motherboard", "memory", label=f"supports {board.memory}")
        yield SupportedMemory(f"the {board.model}", _parse_types(board.memory), span, ())
    elif board is not None and chipset is not None:
        types = _parse_types(chipset.get("memory"))
        names = " or ".join(types)
        span = machine.span("motherboard", "model", label=f"{chipset.version} motherboard: {names}")
        fact = build_fact(chipset, f"motherboards with {chipset.version} support {names}", "memory")
        yield SupportedMemory(f"the {board.model}", types, span, (fact,))
    own, cpu = machine.own_cpu, machine.cpu
    if own is not None and own.memory is not None:
        span = machine.span("cpu", "memory", label=f"supports {own.memory}")
        yield SupportedMemory(f"the {own.model}", _parse_types(own.memory), span, ())
    elif cpu is not None and cpu.get("memory") is not None:
        types = _parse_types(cpu.get("memory"))
        names = " or ".join(types)
        fact = build_fact(cpu, f"the {cpu.version} supports {names}", "memory")
        yield SupportedMemory(
            f"the {cpu.version}", types, machine.span("cpu", label=f"supports {names}"), (fact,)
        )


def lint_memory(
    machine: MachineContext, ram: SourcedValue | None, vram: SourcedValue | None
) -> Iterator[Diagnostic]:
    """Report unsupported modules, and less system memory than GPU memory."""
    if machine.table.memory is None:
        return
    yield from _lint_type(machine)
    yield from _lint_size(machine)
    if ram is not None and vram is not None and ram.amount < vram.amount:
        guidance = machine.guidance("ram-as-vram")
        yield machine.diagnostic(
            "RS111",
            Severity.WARNING,
            f"{ram} of system memory for {vram} of GPU memory may be a bottleneck",
            machine.span("memory", "size"),
            facts=(build_fact(guidance, guidance.get("statement") or ""),),
            help=(f"use {vram} or more",),
        )


def _lint_type(machine: MachineContext) -> Iterator[Diagnostic]:
    memory = machine.table.memory
    if memory is None or memory.type is None:
        return
    own = set(_parse_types(memory.type))
    wrong = [part for part in find_supported_memory(machine) if own.isdisjoint(part.types)]
    if wrong:
        parts = " and ".join(part.part for part in wrong)
        types = " or ".join(dict.fromkeys(kind for part in wrong for kind in part.types))
        verb = "support" if len(wrong) > 1 else "supports"
        yield machine.diagnostic(
            "RS102",
            Severity.ERROR,
            f"{memory.type} modules do not fit: {parts} {verb} {types}",
            machine.span("memory", "type", label=f"{memory.type} modules"),
            *(part.span for part in wrong),
            facts=tuple(dict.fromkeys(fact for part in wrong for fact in part.facts)),
            help=(f"use {types} modules; notch and voltage differ between types",),
        )


def _lint_size(machine: MachineContext) -> Iterator[Diagnostic]:
    memory, board = machine.table.memory, machine.table.motherboard
    if memory is None:
        return
    here = machine.span("memory", "size")
    limit = board.memory_max if board is not None else None
    beyond = limit is not None and memory.size.gib_of_memory > limit.gib_of_memory
    if board is not None and beyond:
        yield machine.diagnostic(
            "RS103",
            Severity.ERROR,
            f"{memory.size} is more than the {board.model} supports ({limit})",
            here,
            machine.span("motherboard", "memory_max", label=f"at most {limit}"),
        )
    most = read_matrix_value(machine.cpu, "memory_max_gib", "GiB")
    ram = get_ram(machine)
    if most is not None and ram is not None and ram.amount > most.amount and machine.cpu:
        statement = f"the {machine.cpu.version} supports at most {most}"
        yield machine.diagnostic(
            "RS103",
            Severity.ERROR,
            f"{memory.size} is more than the CPU supports ({most})",
            here,
            machine.span("cpu", label=f"at most {most}"),
            facts=(build_fact(machine.cpu, statement, "memory_max_gib"),),
        )
    slots = board.memory_slots if board is not None else None
    if slots is not None and (memory.modules or 0) > slots:
        yield machine.diagnostic(
            "RS103",
            Severity.ERROR,
            f"{memory.modules} modules do not fit in {slots} slots",
            machine.span("memory", "modules"),
            machine.span("motherboard", "memory_slots", label=f"{slots} slots"),
        )


def _parse_types(value: str | None) -> tuple[str, ...]:
    """Return the types in `DDR4-2400 ECC` or `ddr3 or ddr4`, in upper case."""
    text = (value or "").upper()
    kinds = _KIND.findall(text) or re.split(r"[,/;]|\sOR\s|\sAND\s", text)
    return tuple(dict.fromkeys(kind.strip() for kind in kinds if kind.strip()))
