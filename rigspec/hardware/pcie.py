"""Slots and PCIe lanes: how many cards there is room for, and how wide each is connected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.hardware.gpu_specs import GpuSpecs
from rigspec.hardware.machine_context import MachineContext, fact_of
from rigspec.hardware.sourced_value import SourcedValue, from_matrix, from_spec, number
from rigspec.matrix.model import Release

__all__ = ["Lanes", "lanes_advice", "lanes_of", "slowdown", "widths"]

_FULL = 16


@dataclass(frozen=True)
class Lanes:
    """``widths`` are the lanes that each card can have at once, widest first; None: not known."""

    boards: int
    slots: tuple[int, ...]
    of_cpu: SourcedValue | None
    widths: tuple[int, ...] | None


def lanes_of(machine: MachineContext, gpus: tuple[GpuSpecs, ...]) -> Lanes:
    """The slots of the board and the lanes of the processor, divided among the cards."""
    board = machine.table.motherboard
    slots = tuple(int(slot[1:]) for slot in board.slots) if board is not None else ()
    own = machine.own_cpu
    of_cpu = from_spec(own.pcie_lanes if own is not None else None, "lanes")
    of_cpu = of_cpu or from_matrix(machine.cpu, "pcie_lanes", "lanes")
    boards = int(sum(gpu.boards for gpu in gpus))
    divided = widths(boards, slots, int(of_cpu.amount)) if of_cpu is not None else None
    return Lanes(boards, slots, of_cpu, divided)


def widths(boards: int, slots: tuple[int, ...], lanes: int) -> tuple[int, ...] | None:
    """The widest division of a processor's lanes: cards in the widest slots, the last halved first.

    Nothing where the cards do not fit. Disks on the processor's lanes are not taken off.
    """
    wide = sorted(slots, reverse=True)[:boards] if slots else [_FULL] * boards
    if len(wide) < boards or not boards:
        return None
    while sum(wide) > lanes:
        widest = max(wide)
        if widest == 1:
            return None
        last = len(wide) - 1 - wide[::-1].index(widest)
        wide[last] = widest // 2
    return tuple(wide)


def slowdown(guidance: Release, width: int) -> Decimal | None:
    """The part of a training pass that this width costs beside 16 lanes, for one card.

    Of the measure that the guidance names: 0.0056 for 8 lanes. None where it names none.
    """
    at, full = number(guidance.get(f"x{width}_ms")), number(guidance.get("x16_ms"))
    whole = number(guidance.get("pass_ms"))
    if at is None or full is None or whole is None:
        return None
    return (at - full) / whole


def lanes_advice(machine: MachineContext, lanes: Lanes) -> Iterator[Diagnostic]:
    """An error for more cards than slots; a note for cards that get less than their slot has."""
    boards = lanes.boards
    if not boards:
        return
    span = machine.span("gpus", label=f"{boards} card{'s' if boards > 1 else ''}")
    if lanes.slots and boards > len(lanes.slots):
        slots = machine.span("motherboard", "slots", label=f"{len(lanes.slots)} slots")
        yield machine.diagnostic(
            "RS106",
            Severity.ERROR,
            f"{boards} cards do not fit into {len(lanes.slots)} slots",
            span,
            slots,
            help=("take a board with more slots, or fewer cards",),
        )
        return
    if lanes.of_cpu is None:
        return
    facts = (
        (fact_of(machine.cpu, _has(machine.cpu, lanes.of_cpu), "pcie_lanes"),)
        if (machine.cpu is not None and lanes.of_cpu.origin == "matrix")
        else ()
    )
    cpu = machine.span("cpu", label=f"has {lanes.of_cpu}")
    if lanes.widths is None:
        yield machine.diagnostic(
            "RS107",
            Severity.ERROR,
            f"{boards} cards do not get a lane each from {lanes.of_cpu}",
            span,
            cpu,
            facts=facts,
            help=("take a processor with more lanes, or fewer cards",),
        )
    elif min(lanes.widths) < min(sorted(lanes.slots, reverse=True)[:boards] or (_FULL,)):
        told = ", ".join(f"x{width}" for width in lanes.widths)
        guidance = machine.guidance("lanes")
        cost = slowdown(guidance, min(lanes.widths))
        lost = f"{cost * 100:.1f} % of a pass" if cost is not None else "not known"
        yield machine.diagnostic(
            "RS107",
            Severity.NOTE,
            f"{lanes.of_cpu} connect {boards} cards as {told}; what x{min(lanes.widths)} costs "
            f"one card: {lost}",
            span,
            cpu,
            facts=(*facts, fact_of(guidance, guidance.get("statement") or "")),
        )


def _has(cpu: Release, lanes: SourcedValue) -> str:
    return f"{cpu.version} has {lanes.number} PCIe lanes"
