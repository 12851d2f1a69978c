"""Check the slots of the motherboard, and divide the PCIe lanes of the CPU."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.frozen import dataclass
from rigspec.hardware.gpu_specs import GpuSpecs
from rigspec.hardware.machine_context import MachineContext, build_fact
from rigspec.hardware.sourced_value import (
    SourcedValue,
    parse_number,
    read_matrix_value,
    read_spec_value,
)
from rigspec.matrix.model import Release

__all__ = ["Lanes", "compute_lanes", "compute_slowdown", "divide_lanes", "lint_lanes"]

_FULL = 16


@dataclass(frozen=True)
class Lanes:
    """The PCIe lanes of a machine: ``widths`` are those of each card, widest first, if known."""

    boards: int
    slots: tuple[int, ...]
    of_cpu: SourcedValue | None
    widths: tuple[int, ...] | None


def compute_lanes(machine: MachineContext, gpus: tuple[GpuSpecs, ...]) -> Lanes:
    """Divide the lanes of the CPU among the cards."""
    board = machine.table.motherboard
    slots = tuple(int(slot[1:]) for slot in board.slots) if board is not None else ()
    own = machine.own_cpu
    of_cpu = read_spec_value(own.pcie_lanes if own is not None else None, "lanes")
    of_cpu = of_cpu or read_matrix_value(machine.cpu, "pcie_lanes", "lanes")
    boards = int(sum(gpu.boards for gpu in gpus))
    divided = divide_lanes(boards, slots, int(of_cpu.amount)) if of_cpu is not None else None
    return Lanes(boards, slots, of_cpu, divided)


def divide_lanes(boards: int, slots: tuple[int, ...], lanes: int) -> tuple[int, ...] | None:
    """Return the widest division of the lanes: the last of the widest is halved first.

    Returns ``None`` if the cards do not fit. Disks on CPU lanes are ignored.
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


def compute_slowdown(guidance: Release, width: int) -> Decimal | None:
    """Return the fraction of a training pass that one card loses at this width, if known.

    Compared with 16 lanes, 8 lanes cost 0.0056 in the measurement of the guidance.
    """
    at, full = parse_number(guidance.get(f"x{width}_ms")), parse_number(guidance.get("x16_ms"))
    whole = parse_number(guidance.get("pass_ms"))
    if at is None or full is None or whole is None:
        return None
    return (at - full) / whole


def lint_lanes(machine: MachineContext, lanes: Lanes) -> Iterator[Diagnostic]:
    """Report more cards than slots, and cards with fewer lanes than their slot."""
    boards = lanes.boards
    if not boards:
        return
    span = machine.span("gpus", label=f"{boards} card{'s' if boards > 1 else ''}")
    if lanes.slots and boards > len(lanes.slots):
        slots = machine.span("motherboard", "slots", label=_format_slots(lanes))
        yield machine.diagnostic(
            "RS106",
            Severity.ERROR,
            f"{boards} cards do not fit in {_format_slots(lanes)}",
            span,
            slots,
            help=("use a motherboard with more slots, or fewer cards",),
        )
        return
    if lanes.of_cpu is None:
        return
    facts = (
        (build_fact(machine.cpu, _format_lanes(machine.cpu, lanes.of_cpu), "pcie_lanes"),)
        if (machine.cpu is not None and lanes.of_cpu.origin == "matrix")
        else ()
    )
    cpu = machine.span("cpu", label=f"has {lanes.of_cpu}")
    if lanes.widths is None:
        yield machine.diagnostic(
            "RS107",
            Severity.ERROR,
            f"{lanes.of_cpu} are not enough for {boards} cards",
            span,
            cpu,
            facts=facts,
            help=("use a CPU with more lanes, or fewer cards",),
        )
    elif min(lanes.widths) < min(sorted(lanes.slots, reverse=True)[:boards] or (_FULL,)):
        widths = ", ".join(f"x{width}" for width in lanes.widths)
        guidance = machine.guidance("lanes")
        cost = compute_slowdown(guidance, min(lanes.widths))
        lost = f"{cost * 100:.1f} % of a pass" if cost is not None else "an unknown amount"
        yield machine.diagnostic(
            "RS107",
            Severity.NOTE,
            f"{boards} cards share {lanes.of_cpu} as {widths}: a card at x{min(lanes.widths)} "
            f"loses {lost}",
            span,
            cpu,
            facts=(*facts, build_fact(guidance, guidance.get("statement") or "")),
        )


def _format_slots(lanes: Lanes) -> str:
    return f"{len(lanes.slots)} slot{'' if len(lanes.slots) == 1 else 's'}"


def _format_lanes(cpu: Release, lanes: SourcedValue) -> str:
    return f"{cpu.version} has {lanes.number} PCIe lanes"
