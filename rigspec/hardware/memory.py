"""Main memory: its type and amount against the board and the processor, and against the GPUs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from rigspec.diagnostics.model import Diagnostic, Fact, Severity, Span
from rigspec.hardware.gpu_specs import GpuSpecs
from rigspec.hardware.machine_context import MachineContext, fact_of
from rigspec.hardware.sourced_value import SourcedValue, from_matrix, from_spec, total

__all__ = ["SupportedMemory", "memory_advice", "ram_of", "supported_memory_types", "vram_of"]
_KIND = re.compile(r"\b(?:LP)?DDR\d?[A-Z]?\b")


@dataclass(frozen=True)
class SupportedMemory:
    """The types of memory that one part takes, and who says so."""

    by: str
    types: tuple[str, ...]
    span: Span
    facts: tuple[Fact, ...]


def ram_of(machine: MachineContext) -> SourcedValue | None:
    """Main memory."""
    memory = machine.table.memory
    return from_spec(memory.size.gib_of_memory, "GiB") if memory is not None else None


def vram_of(gpus: tuple[GpuSpecs, ...]) -> SourcedValue | None:
    """The memory of all GPUs together, where it is known of each."""
    parts = []
    for gpu in gpus:
        if gpu.memory is None:
            return None
        memory = gpu.memory
        whole = memory.amount * max(gpu.count, Decimal(1))
        parts.append(SourcedValue(whole, "GiB", memory.origin, memory.sources))
    return total(tuple(parts), "GiB", "of all GPUs") if parts else None


def supported_memory_types(machine: MachineContext) -> Iterator[SupportedMemory]:
    """What types of memory the board and the processor take: the spec's word, then the matrix's."""
    board, chipset = machine.table.motherboard, machine.chipset
    if board is not None and board.memory is not None:
        span = machine.span("motherboard", "memory", label=f"takes {board.memory}")
        yield SupportedMemory(f"the {board.model}", _types(board.memory), span, ())
    elif board is not None and chipset is not None:
        types = _types(chipset.get("memory"))
        told = " or ".join(types)
        span = machine.span("motherboard", "model", label=f"an {chipset.version} board: {told}")
        fact = fact_of(chipset, f"boards with {chipset.version} take {told}", "memory")
        yield SupportedMemory(f"the {board.model}", types, span, (fact,))
    own, cpu = machine.own_cpu, machine.cpu
    if own is not None and own.memory is not None:
        span = machine.span("cpu", "memory", label=f"takes {own.memory}")
        yield SupportedMemory(f"the {own.model}", _types(own.memory), span, ())
    elif cpu is not None and cpu.get("memory") is not None:
        types = _types(cpu.get("memory"))
        told = " or ".join(types)
        fact = fact_of(cpu, f"the {cpu.version} takes {told}", "memory")
        yield SupportedMemory(
            f"the {cpu.version}", types, machine.span("cpu", label=f"takes {told}"), (fact,)
        )


def memory_advice(
    machine: MachineContext, ram: SourcedValue | None, vram: SourcedValue | None
) -> Iterator[Diagnostic]:
    """Errors for modules that do not fit; a warning for less memory than the GPUs have."""
    if machine.table.memory is None:
        return
    yield from _wrong_type(machine)
    yield from _too_much(machine)
    if ram is not None and vram is not None and ram.amount < vram.amount:
        guidance = machine.guidance("ram-as-vram")
        yield machine.diagnostic(
            "RS111",
            Severity.WARNING,
            f"{ram} of main memory beside {vram} on the GPUs",
            machine.span("memory", "size"),
            facts=(fact_of(guidance, guidance.get("statement") or ""),),
            help=(f"take {vram} or more",),
        )


def _wrong_type(machine: MachineContext) -> Iterator[Diagnostic]:
    memory = machine.table.memory
    if memory is None or memory.type is None:
        return
    own = set(_types(memory.type))
    wrong = [taken for taken in supported_memory_types(machine) if own.isdisjoint(taken.types)]
    if wrong:
        takers = " and ".join(taken.by for taken in wrong)
        types = " or ".join(dict.fromkeys(kind for taken in wrong for kind in taken.types))
        verb = "take" if len(wrong) > 1 else "takes"
        yield machine.diagnostic(
            "RS102",
            Severity.ERROR,
            f"{memory.type} does not fit: {takers} {verb} {types}",
            machine.span("memory", "type", label=f"{memory.type} modules"),
            *(taken.span for taken in wrong),
            facts=tuple(dict.fromkeys(fact for taken in wrong for fact in taken.facts)),
            help=(f"take modules of {types}; they differ in their notch and voltage",),
        )


def _too_much(machine: MachineContext) -> Iterator[Diagnostic]:
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
            f"{memory.size} is more than the {board.model} takes: {limit}",
            here,
            machine.span("motherboard", "memory_max", label=f"at most {limit}"),
        )
    most = from_matrix(machine.cpu, "memory_max_gib", "GiB")
    ram = ram_of(machine)
    if most is not None and ram is not None and ram.amount > most.amount and machine.cpu:
        words = f"the {machine.cpu.version} takes at most {most}"
        yield machine.diagnostic(
            "RS103",
            Severity.ERROR,
            f"{memory.size} is more than the processor takes: {most}",
            here,
            machine.span("cpu", label=f"at most {most}"),
            facts=(fact_of(machine.cpu, words, "memory_max_gib"),),
        )
    slots = board.memory_slots if board is not None else None
    if slots is not None and (memory.modules or 0) > slots:
        yield machine.diagnostic(
            "RS103",
            Severity.ERROR,
            f"{memory.modules} modules do not fit into {slots} slots",
            machine.span("memory", "modules"),
            machine.span("motherboard", "memory_slots", label=f"{slots} slots"),
        )


def _types(told: str | None) -> tuple[str, ...]:
    """`DDR4-2400 ECC` and `ddr3 or ddr4` as the types they name, in capitals."""
    text = (told or "").upper()
    kinds = _KIND.findall(text) or re.split(r"[,/;]|\sOR\s|\sAND\s", text)
    return tuple(dict.fromkeys(kind.strip() for kind in kinds if kind.strip()))
