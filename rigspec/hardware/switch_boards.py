"""Servers whose GPUs are connected by switches, which a program has to set up at each boot."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.matrix.model import Matrix, Release
from rigspec.matrix.part_lookup import find_part
from rigspec.spec.models.machine import Machine
from rigspec.spec.models.rig import Rig

__all__ = ["find_switch_board"]


def find_switch_board(rig: Rig, machine: str | None, matrix: Matrix) -> Release | None:
    """Return the card of a machine that has a board of switches; None if it has no such board.

    ``switch_board`` of a card is the number of cards on such a board. Fewer cards may be on a board
    without switches.
    """
    if machine is None:
        return None
    for card, count in _list_cards(rig.machine[machine], matrix):
        board = card.get("switch_board")
        if board is not None and count >= int(board):
            return card
    return None


def _list_cards(machine: Machine, matrix: Matrix) -> Iterator[tuple[Release, int]]:
    """Yield the cards of a machine with their number, as far as the matrix has them."""
    for gpu in machine.gpus:
        card = find_part(matrix.product("gpu"), gpu.model or "")
        if card is not None:
            yield card, gpu.count
    if machine.gpus or machine.instance is None:
        return
    instance = find_part(matrix.product("instance"), machine.instance)
    card = find_part(matrix.product("gpu"), (instance and instance.get("card")) or "")
    if instance is not None and card is not None:
        yield card, int(instance.get("gpus") or 0)
