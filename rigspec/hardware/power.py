"""Power draw of a machine, idle and at full load, and the headroom of its power supply.

The sum of the parts is their steady draw. It does not include spikes of a millisecond.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.frozen import dataclass
from rigspec.hardware.gpu_specs import GpuSpecs
from rigspec.hardware.machine_context import MachineContext, build_fact
from rigspec.hardware.sourced_value import (
    SourcedValue,
    add_up,
    derive,
    parse_number,
    read_matrix_value,
    read_spec_value,
)
from rigspec.matrix.model import Release

__all__ = ["Power", "PowerDraw", "compute_efficiency", "compute_power", "lint_power"]


@dataclass(frozen=True)
class PowerDraw:
    """The power draw of equal parts together; ``None`` if unknown."""

    part: str
    idle: SourcedValue | None
    full: SourcedValue | None


@dataclass(frozen=True)
class Power:
    """The sum of the parts; ``full`` does not include the parts in ``unknown_full``."""

    draws: tuple[PowerDraw, ...]
    idle: SourcedValue | None
    full: SourcedValue | None
    unknown_idle: tuple[str, ...]
    unknown_full: tuple[str, ...]
    supply: SourcedValue | None
    grade: Release | None
    mains_volts: int | None

    @property
    def headroom(self) -> SourcedValue | None:
        """The power of the supply minus that of the counted parts."""
        if self.supply is None or self.full is None:
            return None
        left = self.supply.amount - self.full.amount
        return derive(left, "W", "power supply minus full load", self.supply, self.full)


def compute_power(machine: MachineContext, gpus: tuple[GpuSpecs, ...]) -> Power:
    """Compute the power draw of an owned machine."""
    draws = tuple(_find_draws(machine, gpus))
    psu = machine.table.psu
    return Power(
        draws=draws,
        idle=_add_up(tuple(d.idle for d in draws), "idle"),
        full=_add_up(tuple(d.full for d in draws), "at full load"),
        unknown_idle=tuple(d.part for d in draws if d.idle is None),
        unknown_full=tuple(d.part for d in draws if d.full is None),
        supply=read_spec_value(psu.watts if psu is not None else None, "W"),
        grade=machine.part("psu", psu.efficiency) if psu is not None else None,
        mains_volts=psu.mains_volts if psu is not None else None,
    )


def compute_efficiency(power: Power, watts: Decimal) -> SourcedValue | None:
    """Return the minimum efficiency of the power supply at this load, by its 80 PLUS grade.

    It is interpolated between 20, 50 and 100 % load; below 20 % it is unknown. If the mains
    voltage is unknown, the lower values at 115 V are used.
    """
    if power.grade is None or power.supply is None:
        return None
    mains = f"{power.mains_volts or 115}v"
    points = [
        (Decimal(load), parse_number(power.grade.get(f"at{load}_{mains}"))) for load in _LOADS
    ]
    load = watts / power.supply.amount * 100
    for (low, at_low), (high, at_high) in pairwise(points):
        if at_low is not None and at_high is not None and low <= load <= high:
            percent = at_low + (at_high - at_low) * (load - low) / (high - low)
            sources = power.grade.sources
            note = f"{power.grade.version} at {load:.0f} % load and {mains[:-1]} V"
            return SourcedValue(percent / 100, "", "matrix", sources, note)
    return None


_LOADS = (20, 50, 100)


def lint_power(
    machine: MachineContext, power: Power, gpus: tuple[GpuSpecs, ...]
) -> Iterator[Diagnostic]:
    """Report a power supply that is too small for the parts, or for a spike of one card."""
    if power.supply is None or power.full is None or power.headroom is None:
        return
    span = machine.span("psu", "watts", label=f"delivers {power.supply}")
    least = "at least " if power.unknown_full else ""
    spikes = machine.guidance("transients")
    fact = build_fact(spikes, spikes.get("statement") or "")
    counted = ", ".join(f"{d.part} {d.full}" for d in power.draws if d.full is not None)
    if power.headroom.amount < 0:
        yield machine.diagnostic(
            "RS104",
            Severity.ERROR,
            f"the parts draw {least}{power.full} at full load, but the power supply delivers "
            f"{power.supply}",
            span,
            facts=tuple(_build_part_facts(power)),
            help=(f"counted: {counted}", "use a larger power supply, or fewer or smaller cards"),
        )
        return
    largest = max((gpu.watts.amount for gpu in gpus if gpu.watts is not None), default=Decimal(0))
    if power.headroom.amount < largest:
        yield machine.diagnostic(
            "RS105",
            Severity.WARNING,
            f"{power.headroom} of headroom ({least}{power.full} of {power.supply}) is less than "
            f"one card draws ({largest.normalize():f} W): a spike to twice its power overloads it",
            span,
            facts=(fact,),
            help=(
                f"counted: {counted}",
                "use a larger power supply, or limit the power of the cards",
            ),
        )


def _build_part_facts(power: Power) -> Iterator[Fact]:
    for draw in power.draws:
        if draw.full is not None and draw.full.sources:
            statement = f"{draw.part}: {draw.full}"
            yield Fact(f"watts/{draw.part}", statement, draw.full.sources)


def _find_draws(machine: MachineContext, gpus: tuple[GpuSpecs, ...]) -> Iterator[PowerDraw]:
    table = machine.table
    if table.cpu is not None:
        own = machine.own_cpu
        full = read_spec_value(own.watts if own is not None else None, "W")
        idle = read_spec_value(own.idle_watts if own is not None else None, "W")
        yield PowerDraw("processor", idle, full or read_matrix_value(machine.cpu, "watts", "W"))
    for gpu in gpus:
        yield PowerDraw(
            gpu.model if gpu.boards == 1 else f"{gpu.boards} x {gpu.model}",
            _multiply(gpu.idle_watts, gpu.boards),
            _multiply(gpu.watts, gpu.boards),
        )
    if table.motherboard is not None:
        yield _build_draw("board", table.motherboard.watts, table.motherboard.idle_watts)
    if table.memory is not None:
        yield _build_draw("memory", table.memory.watts, table.memory.idle_watts)
    for disk in table.storage:
        name = f"{disk.kind} of {disk.size}"
        yield _build_draw(name, disk.watts, disk.idle_watts, disk.count)
    for part in table.other:
        yield _build_draw(part.model, part.watts, part.idle_watts, part.count)


def _build_draw(part: str, watts: int | None, idle_watts: int | None, count: int = 1) -> PowerDraw:
    name = part if count == 1 else f"{count} x {part}"
    idle, full = read_spec_value(idle_watts, "W"), read_spec_value(watts, "W")
    return PowerDraw(name, _multiply(idle, Decimal(count)), _multiply(full, Decimal(count)))


def _multiply(figure: SourcedValue | None, count: Decimal) -> SourcedValue | None:
    if figure is None or count == 1:
        return figure
    return SourcedValue(
        figure.amount * count, figure.unit, figure.origin, figure.sources, figure.note
    )


def _add_up(figures: tuple[SourcedValue | None, ...], note: str) -> SourcedValue | None:
    known = tuple(figure for figure in figures if figure is not None)
    return add_up(known, "W", note) if known else None
