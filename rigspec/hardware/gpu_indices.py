"""GPUs by their numbers, as users are given them: counted over the cards of a machine from 0."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import accumulate

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.hardware.gpu_specs import gpus_on_board
from rigspec.hardware.machine_context import MachineContext
from rigspec.hardware.sourced_value import number

__all__ = ["card_of", "gpu_counts", "user_gpu_advice"]


def gpu_counts(machine: MachineContext) -> tuple[int, ...] | None:
    """How many GPUs each kind of card has, in the order of the spec; None where nobody tells.

    A board may carry several (a Tesla K80: two); a part of one is rented as one.
    """
    table = machine.table
    if table.gpus:
        boards = ((gpu.count, machine.part("gpu", gpu.model)) for gpu in table.gpus)
        return tuple(count * int(gpus_on_board(release)) for count, release in boards)
    rented = machine.part("instance", table.instance)
    count = number(rented.get("gpus")) if rented is not None else None
    return (math.ceil(count),) if count is not None else None


def card_of(counts: tuple[int, ...], gpu: int) -> int | None:
    """Which kind of card a GPU of this number is on; None where there are not so many."""
    return next((i for i, end in enumerate(accumulate(counts)) if gpu < end), None)


def user_gpu_advice(machine: MachineContext) -> Iterator[Diagnostic]:
    """An error for a GPU that a user is given and no machine has; a warning where another has it.

    The matrix must hold what the other machines of the rig ask of it, too.
    """
    counts = gpu_counts(machine) if any(u.gpus for u in machine.rig.user.values()) else None
    if counts is None:
        return
    for name, user in machine.rig.user.items():
        for index, gpu in enumerate(user.gpus or ()):
            if gpu < sum(counts):
                continue
            elsewhere = _elsewhere(machine, gpu)
            span = machine.spec.document.span(("user", name, "gpus", index), label="not declared")
            message = f"no GPU {gpu}: {machine.name} has {sum(counts)}, counted from 0"
            if elsewhere is None:
                yield Diagnostic("RS008", Severity.ERROR, message, spans=(span,))
            else:
                message += f"; {name} has it on {elsewhere} only"
                yield Diagnostic("RS008", Severity.WARNING, message, spans=(span,))


def _elsewhere(machine: MachineContext, gpu: int) -> str | None:
    """Another machine of the rig that has a GPU of this number."""
    for name in machine.rig.machine:
        counts = gpu_counts(MachineContext(machine.spec, name, machine.matrix))
        if name != machine.name and gpu < sum(counts or ()):
            return name
    return None
