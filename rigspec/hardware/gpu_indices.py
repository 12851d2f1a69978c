"""GPU indices of users, counted over the cards of a machine from 0."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import accumulate

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.hardware.gpu_specs import count_gpus_on_board
from rigspec.hardware.machine_context import MachineContext
from rigspec.hardware.sourced_value import parse_number

__all__ = ["count_gpus", "find_card", "lint_user_gpus"]


def count_gpus(machine: MachineContext) -> tuple[int, ...] | None:
    """Return the number of GPUs of each entry, in the order of the spec; ``None`` if unknown.

    A board may have several GPUs (a Tesla K80: two); a rented fraction counts as one.
    """
    table = machine.table
    if table.gpus:
        boards = ((gpu.count, machine.part("gpu", gpu.model)) for gpu in table.gpus)
        return tuple(count * int(count_gpus_on_board(release)) for count, release in boards)
    rented = machine.part("instance", table.instance)
    count = parse_number(rented.get("gpus")) if rented is not None else None
    return (math.ceil(count),) if count is not None else None


def find_card(counts: tuple[int, ...], gpu: int) -> int | None:
    """Return the index of the entry that has this GPU, or ``None`` if there is none."""
    return next((i for i, end in enumerate(accumulate(counts)) if gpu < end), None)


def lint_user_gpus(machine: MachineContext) -> Iterator[Diagnostic]:
    """Report GPUs of users that this machine, or every machine, lacks.

    The matrix needs the products of the other machines as well.
    """
    counts = count_gpus(machine) if any(u.gpus for u in machine.rig.user.values()) else None
    if counts is None:
        return
    for name, user in machine.rig.user.items():
        for index, gpu in enumerate(user.gpus or ()):
            if gpu < sum(counts):
                continue
            other = _find_other_machine(machine, gpu)
            span = machine.spec.document.span(("user", name, "gpus", index), label="not declared")
            message = f"no GPU {gpu} on {machine.name}, which has {sum(counts)} (counted from 0)"
            if other is None:
                yield Diagnostic("RS008", Severity.ERROR, message, spans=(span,))
            else:
                message += f": {name} can use it on {other} only"
                yield Diagnostic("RS008", Severity.WARNING, message, spans=(span,))


def _find_other_machine(machine: MachineContext, gpu: int) -> str | None:
    """Return another machine of the rig that has this GPU."""
    for name in machine.rig.machine:
        counts = count_gpus(MachineContext(machine.spec, name, machine.matrix))
        if name != machine.name and gpu < sum(counts or ()):
            return name
    return None
