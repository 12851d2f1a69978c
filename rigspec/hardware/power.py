"""What a machine draws, from idle to full load, and what its supply leaves over.

The sum of the parts is their steady power. Spikes of a millisecond are not in it, and no sum makes
a supply safe against them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.hardware.gpu_specs import GpuSpecs
from rigspec.hardware.machine_context import MachineContext, fact_of
from rigspec.hardware.sourced_value import (
    SourcedValue,
    derived,
    from_matrix,
    from_spec,
    number,
    total,
)
from rigspec.matrix.model import Release

__all__ = ["Power", "PowerDraw", "efficiency", "power_advice", "power_of"]


@dataclass(frozen=True)
class PowerDraw:
    """What parts of one kind draw together; ``None`` where nobody says."""

    part: str
    idle: SourcedValue | None
    full: SourcedValue | None


@dataclass(frozen=True)
class Power:
    """The sum of the parts. Where ``unknown_full`` names parts, ``full`` is without them."""

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
        """What the supply delivers beyond the parts that are counted."""
        if self.supply is None or self.full is None:
            return None
        left = self.supply.amount - self.full.amount
        return derived(left, "W", "the supply less the full load", self.supply, self.full)


def power_of(machine: MachineContext, gpus: tuple[GpuSpecs, ...]) -> Power:
    """The power of a machine that stands somewhere: a rented one has none to count."""
    draws = tuple(_draws(machine, gpus))
    psu = machine.table.psu
    return Power(
        draws=draws,
        idle=_sum(tuple(d.idle for d in draws), "idle"),
        full=_sum(tuple(d.full for d in draws), "under full load"),
        unknown_idle=tuple(d.part for d in draws if d.idle is None),
        unknown_full=tuple(d.part for d in draws if d.full is None),
        supply=from_spec(psu.watts if psu is not None else None, "W"),
        grade=machine.part("psu", psu.efficiency) if psu is not None else None,
        mains_volts=psu.mains_volts if psu is not None else None,
    )


def efficiency(power: Power, watts: Decimal) -> SourcedValue | None:
    """The part of what it takes that the supply passes on at this load, as its grade promises.

    Between 20, 50 and 100 % of the load it lies on straight lines; below 20 % no grade promises
    anything. Where the mains are not told, those of the weaker promise count: 115 V.
    """
    if power.grade is None or power.supply is None:
        return None
    mains = f"{power.mains_volts or 115}v"
    points = [(Decimal(load), number(power.grade.get(f"at{load}_{mains}"))) for load in _LOADS]
    load = watts / power.supply.amount * 100
    for (low, at_low), (high, at_high) in pairwise(points):
        if at_low is not None and at_high is not None and low <= load <= high:
            percent = at_low + (at_high - at_low) * (load - low) / (high - low)
            sources = power.grade.sources
            note = f"{power.grade.version} at {load:.0f} % of its load on {mains[:-1]} V"
            return SourcedValue(percent / 100, "", "matrix", sources, note)
    return None


_LOADS = (20, 50, 100)


def power_advice(
    machine: MachineContext, power: Power, gpus: tuple[GpuSpecs, ...]
) -> Iterator[Diagnostic]:
    """An error where the parts draw more than the supply has, a warning where a spike would."""
    if power.supply is None or power.full is None or power.headroom is None:
        return
    span = machine.span("psu", "watts", label=f"delivers {power.supply}")
    least = "at least " if power.unknown_full else ""
    spikes = machine.guidance("transients")
    fact = fact_of(spikes, spikes.get("statement") or "")
    counted = ", ".join(f"{d.part} {d.full}" for d in power.draws if d.full is not None)
    if power.headroom.amount < 0:
        yield machine.diagnostic(
            "RS104",
            Severity.ERROR,
            f"the parts draw {least}{power.full} under full load; the supply delivers "
            f"{power.supply}",
            span,
            facts=tuple(_part_facts(power)),
            help=(f"counted: {counted}", "take a larger supply, or fewer or smaller cards"),
        )
        return
    largest = max((gpu.watts.amount for gpu in gpus if gpu.watts is not None), default=Decimal(0))
    if power.headroom.amount < largest:
        yield machine.diagnostic(
            "RS105",
            Severity.WARNING,
            f"{least}{power.full} of {power.supply} leaves {power.headroom}: less than one card "
            f"draws ({largest.normalize():f} W), so one card at twice its power is too much",
            span,
            facts=(fact,),
            help=(f"counted: {counted}", "take a larger supply, or limit the cards' power"),
        )


def _part_facts(power: Power) -> Iterator[Fact]:
    for draw in power.draws:
        if draw.full is not None and draw.full.sources:
            statement = f"{draw.part}: {draw.full}"
            yield Fact(f"watts/{draw.part}", statement, draw.full.sources)


def _draws(machine: MachineContext, gpus: tuple[GpuSpecs, ...]) -> Iterator[PowerDraw]:
    table = machine.table
    if table.cpu is not None:
        own = machine.own_cpu
        full = from_spec(own.watts if own is not None else None, "W")
        idle = from_spec(own.idle_watts if own is not None else None, "W")
        yield PowerDraw("processor", idle, full or from_matrix(machine.cpu, "watts", "W"))
    for gpu in gpus:
        yield PowerDraw(
            gpu.model if gpu.boards == 1 else f"{gpu.boards} x {gpu.model}",
            _times(gpu.idle_watts, gpu.boards),
            _times(gpu.watts, gpu.boards),
        )
    if table.motherboard is not None:
        yield _own("board", table.motherboard.watts, table.motherboard.idle_watts)
    if table.memory is not None:
        yield _own("memory", table.memory.watts, table.memory.idle_watts)
    for disk in table.storage:
        name = f"{disk.kind} of {disk.size}"
        yield _own(name, disk.watts, disk.idle_watts, disk.count)
    for part in table.other:
        yield _own(part.model, part.watts, part.idle_watts, part.count)


def _own(part: str, watts: int | None, idle_watts: int | None, count: int = 1) -> PowerDraw:
    name = part if count == 1 else f"{count} x {part}"
    idle, full = from_spec(idle_watts, "W"), from_spec(watts, "W")
    return PowerDraw(name, _times(idle, Decimal(count)), _times(full, Decimal(count)))


def _times(figure: SourcedValue | None, count: Decimal) -> SourcedValue | None:
    if figure is None or count == 1:
        return figure
    return SourcedValue(
        figure.amount * count, figure.unit, figure.origin, figure.sources, figure.note
    )


def _sum(figures: tuple[SourcedValue | None, ...], note: str) -> SourcedValue | None:
    known = tuple(figure for figure in figures if figure is not None)
    return total(known, "W", note) if known else None
