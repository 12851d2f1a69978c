"""The model of a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Diagnosis", "Item", "Status"]


class Status(str, Enum):
    """The status of an item. ``unknown`` could not be checked; it is not a difference."""

    OK = "ok"
    DIFFERS = "differs"
    MISSING = "missing"
    EXTRA = "extra"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Item:
    """An expected value and the value that was found.

    ``layer`` is the layer of the rig, ``aspect`` the checked property of ``name`` (``version``,
    ``mode``…). ``found`` is also set if the status is ok, so that machines can be compared; it is
    None if missing or unknown. ``step`` is the id of the responsible step, ``reason`` explains an
    unknown status.
    """

    layer: str
    name: str
    aspect: str
    expected: str | None
    found: str | None
    status: Status
    step: str
    reason: str | None = None

    @property
    def is_difference(self) -> bool:
        """Return whether the item is a difference."""
        return self.status not in (Status.OK, Status.UNKNOWN)


@dataclass(frozen=True)
class Diagnosis:
    """All items of one machine, sorted by layer, name and aspect.

    ``lock`` is the sha256 of the ``rig.lock``.
    """

    rig: str
    machine: str | None
    target: str
    lock: str
    items: tuple[Item, ...]

    @property
    def differences(self) -> tuple[Item, ...]:
        """Return the items that are differences."""
        return tuple(item for item in self.items if item.is_difference)

    @property
    def unknown(self) -> tuple[Item, ...]:
        """Return the items that could not be checked."""
        return tuple(item for item in self.items if item.status is Status.UNKNOWN)
