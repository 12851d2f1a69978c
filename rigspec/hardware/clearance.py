"""Check the length of the GPUs against the case."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from rigspec.diagnostics.model import Diagnostic, Fact, Severity
from rigspec.frozen import dataclass
from rigspec.hardware.gpu_specs import GpuSpecs
from rigspec.hardware.machine_context import MachineContext, build_fact
from rigspec.hardware.sourced_value import SourcedValue, read_matrix_value, read_spec_value

__all__ = ["Clearance", "find_clearance", "lint_clearance"]


@dataclass(frozen=True)
class Clearance:
    """The longest card that fits each slot, from the top; empty if unknown."""

    slots: tuple[SourcedValue, ...]
    facts: tuple[Fact, ...] = ()

    @property
    def longest(self) -> Decimal:
        """The clearance of the longest slot, in millimetres."""
        return max(slot.amount for slot in self.slots)

    @property
    def shortest(self) -> Decimal:
        """The clearance of the shortest slot, in millimetres."""
        return min(slot.amount for slot in self.slots)


def find_clearance(machine: MachineContext) -> Clearance:
    """Return the GPU clearance of the spec, else that of the matrix."""
    case = machine.table.case
    if case is None:
        return Clearance(())
    declared = case.gpu_clearance
    lengths = (
        declared if isinstance(declared, tuple) else (declared,) if declared is not None else ()
    )
    own = tuple(read_spec_value(length.millimetres, "mm") for length in lengths)
    if own:
        return Clearance(tuple(figure for figure in own if figure is not None))
    release = machine.part("case", case.model)
    known = read_matrix_value(release, "gpu_clearance_mm", "mm")
    if release is None or known is None:
        return Clearance(())
    statement = f"the {release.version} has room for cards of up to {known}"
    return Clearance((known,), (build_fact(release, statement, "gpu_clearance_mm"),))


def lint_clearance(
    machine: MachineContext, gpus: tuple[GpuSpecs, ...], room: Clearance
) -> Iterator[Diagnostic]:
    """Report cards that are too long, or that fit only some slots or some models."""
    if not room.slots:
        return
    case = machine.span("case", "gpu_clearance", label=f"up to {_format_clearance(room)}")
    yield from _lint_card_count(machine, gpus, room)
    for index, gpu in enumerate(gpus):
        shortest, longest = _find_lengths(gpu)
        if shortest is None or longest is None:
            continue
        here = machine.span("gpus", index, "length" if gpu.length else "model")
        if shortest > room.longest:
            yield machine.diagnostic(
                "RS108",
                Severity.ERROR,
                f"the {gpu.model} ({shortest.normalize():f} mm) does not fit the case: "
                f"{_format_clearance(room)}",
                here,
                case,
                facts=(*room.facts, *_build_length_facts(gpu)),
                help=("use a shorter card or a larger case",),
            )
        elif longest > room.shortest:
            some = (
                "in some slots only"
                if gpu.length is not None
                else "as some models or in some slots only"
            )
            yield machine.diagnostic(
                "RS108",
                Severity.NOTE,
                f"the {gpu.model} ({_format_lengths(shortest, longest)}) fits the case {some}: "
                f"{_format_clearance(room)}",
                here,
                case,
                facts=(*room.facts, *_build_length_facts(gpu)),
                help=() if gpu.length is not None else ("add the `length` of the card",),
            )


def _lint_card_count(
    machine: MachineContext, gpus: tuple[GpuSpecs, ...], room: Clearance
) -> Iterator[Diagnostic]:
    """Report cards that fit a slot each, but not all at once.

    Cards that fit every known slot are not counted: they may use other slots as well.
    """
    cards = [(_find_lengths(gpu)[0], gpu) for gpu in gpus]
    long = sorted(
        (length for length, gpu in cards for _ in range(int(gpu.boards)) if length is not None),
        reverse=True,
    )
    if any(length > room.longest for length in long):
        return
    for length in dict.fromkeys(length for length in long if length > room.shortest):
        needed = sum(card >= length for card in long)
        available = sum(slot.amount >= length for slot in room.slots)
        if needed > available:
            message = f"{needed} cards are {length.normalize():f} mm or longer, but the case has "
            yield machine.diagnostic(
                "RS108",
                Severity.ERROR,
                f"{message}room for {available}",
                machine.span("gpus"),
                machine.span("case", "gpu_clearance", label=f"up to {_format_clearance(room)}"),
                facts=(
                    *room.facts,
                    *(fact for _, gpu in cards for fact in _build_length_facts(gpu)),
                ),
                help=("use shorter or fewer cards, or a larger case",),
            )
            return


def _find_lengths(gpu: GpuSpecs) -> tuple[Decimal | None, Decimal | None]:
    if gpu.length is not None:
        return gpu.length.amount, gpu.length.amount
    found = re.match(r"(\d+)-(\d+)", gpu.length_range or "")
    return (Decimal(found[1]), Decimal(found[2])) if found is not None else (None, None)


def _build_length_facts(gpu: GpuSpecs) -> Iterator[Fact]:
    if gpu.length is None and gpu.release is not None and gpu.length_range is not None:
        statement = f"cards called {gpu.release.version} are {gpu.length_range} mm long"
        yield build_fact(gpu.release, statement, "length_range_mm")


def _format_clearance(room: Clearance) -> str:
    if room.longest == room.shortest:
        return f"{room.longest.normalize():f} mm"
    longest, shortest = room.longest.normalize(), room.shortest.normalize()
    return f"{longest:f} mm in one slot and {shortest:f} mm in another"


def _format_lengths(shortest: Decimal, longest: Decimal) -> str:
    if shortest == longest:
        return f"{shortest.normalize():f} mm"
    return f"{shortest.normalize():f} to {longest.normalize():f} mm, depending on the manufacturer"
