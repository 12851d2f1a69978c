"""Whether the cards are short enough for the case."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.hardware.gpu_specs import GpuSpecs
from rigspec.hardware.machine_context import MachineContext, fact_of
from rigspec.hardware.sourced_value import SourcedValue, from_matrix, from_spec

__all__ = ["Clearance", "clearance_advice", "clearance_of"]


@dataclass(frozen=True)
class Clearance:
    """The longest card the case takes, slot by slot from the top; empty where nobody says."""

    slots: tuple[SourcedValue, ...]
    facts: tuple[Fact, ...] = ()

    @property
    def most(self) -> Decimal:
        """The room in the slot that has most, in millimetres."""
        return max(slot.amount for slot in self.slots)

    @property
    def least(self) -> Decimal:
        """The room in the slot that has least, in millimetres."""
        return min(slot.amount for slot in self.slots)


def clearance_of(machine: MachineContext) -> Clearance:
    """The room for cards: the spec's word, then the matrix's."""
    case = machine.table.case
    if case is None:
        return Clearance(())
    told = case.gpu_clearance
    lengths = told if isinstance(told, tuple) else (told,) if told is not None else ()
    own = tuple(from_spec(length.millimetres, "mm") for length in lengths)
    if own:
        return Clearance(tuple(figure for figure in own if figure is not None))
    release = machine.part("case", case.model)
    known = from_matrix(release, "gpu_clearance_mm", "mm")
    if release is None or known is None:
        return Clearance(())
    statement = f"the {release.version} takes cards of up to {known}"
    return Clearance((known,), (fact_of(release, statement, "gpu_clearance_mm"),))


def clearance_advice(
    machine: MachineContext, gpus: tuple[GpuSpecs, ...], room: Clearance
) -> Iterator[Diagnostic]:
    """Errors for a card that is too long, and for more of them than slots have room.

    A note for one that fits some slots or some makes.
    """
    if not room.slots:
        return
    case = machine.span("case", "gpu_clearance", label=f"takes {_told(room)}")
    yield from _too_many(machine, gpus, room)
    for index, gpu in enumerate(gpus):
        shortest, longest = _lengths(gpu)
        if shortest is None or longest is None:
            continue
        here = machine.span("gpus", index, "length" if gpu.length else "model")
        if shortest > room.most:
            yield machine.diagnostic(
                "RS108",
                Severity.ERROR,
                f"the {gpu.model} is {shortest.normalize():f} mm long; the case takes "
                f"{_told(room)}",
                here,
                case,
                facts=(*room.facts, *_length_facts(gpu)),
                help=("take a shorter card of the same kind, or another case",),
            )
        elif longest > room.least:
            which = "slots" if gpu.length is not None else "makes or slots"
            yield machine.diagnostic(
                "RS108",
                Severity.NOTE,
                f"the {gpu.model} ({_span(shortest, longest)}) fits only some {which}: the case "
                f"takes {_told(room)}",
                here,
                case,
                facts=(*room.facts, *_length_facts(gpu)),
                help=() if gpu.length is not None else ("give the card's own `length`",),
            )


def _too_many(
    machine: MachineContext, gpus: tuple[GpuSpecs, ...], room: Clearance
) -> Iterator[Diagnostic]:
    """Cards that each fit a slot, and not all at once: the longest go where there is most room.

    Those that fit each slot told may stand in others, too, of which nobody says anything.
    """
    cards = [(_lengths(gpu)[0], gpu) for gpu in gpus]
    long = sorted(
        (length for length, gpu in cards for _ in range(int(gpu.boards)) if length is not None),
        reverse=True,
    )
    if any(length > room.most for length in long):
        return
    for length in dict.fromkeys(length for length in long if length > room.least):
        wanted = sum(card >= length for card in long)
        has = sum(slot.amount >= length for slot in room.slots)
        if wanted > has:
            words = f"{wanted} cards are {length.normalize():f} mm long or longer; the case has "
            yield machine.diagnostic(
                "RS108",
                Severity.ERROR,
                f"{words}room for {has} of them",
                machine.span("gpus"),
                machine.span("case", "gpu_clearance", label=f"takes {_told(room)}"),
                facts=(*room.facts, *(fact for _, gpu in cards for fact in _length_facts(gpu))),
                help=("take shorter cards, fewer, or another case",),
            )
            return


def _lengths(gpu: GpuSpecs) -> tuple[Decimal | None, Decimal | None]:
    if gpu.length is not None:
        return gpu.length.amount, gpu.length.amount
    told = re.match(r"(\d+)-(\d+)", gpu.length_range or "")
    return (Decimal(told[1]), Decimal(told[2])) if told is not None else (None, None)


def _length_facts(gpu: GpuSpecs) -> Iterator[Fact]:
    if gpu.length is None and gpu.release is not None and gpu.length_range is not None:
        statement = f"cards called {gpu.release.version} are {gpu.length_range} mm long"
        yield fact_of(gpu.release, statement, "length_range_mm")


def _told(room: Clearance) -> str:
    if room.most == room.least:
        return f"{room.most.normalize():f} mm"
    return f"{room.most.normalize():f} mm in one slot and {room.least.normalize():f} mm in another"


def _span(shortest: Decimal, longest: Decimal) -> str:
    if shortest == longest:
        return f"{shortest.normalize():f} mm"
    return f"{shortest.normalize():f} to {longest.normalize():f} mm, by its maker"
