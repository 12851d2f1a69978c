"""What the doctor saw, as values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Diagnosis", "Item", "Status"]


class Status(str, Enum):
    """How one thing stands. ``unknown`` is what could not be seen: it is said, and is no
    difference.
    """

    OK = "ok"
    DIFFERS = "differs"
    MISSING = "missing"
    EXTRA = "extra"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Item:
    """One promise and what was found of it.

    ``layer`` is the part of the rig, ``aspect`` what is looked at in ``name`` (``version``,
    ``mode``…). ``found`` stands there for what is well, too, so that two machines can be compared;
    it is None for what is missing or unknown. ``step`` is the id of the step that brings it about,
    ``reason`` says why it is unknown.
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
    def differs(self) -> bool:
        """Whether the promise is not kept."""
        return self.status not in (Status.OK, Status.UNKNOWN)


@dataclass(frozen=True)
class Diagnosis:
    """Every promise of one machine, sorted by layer, name and aspect.

    ``lock`` is the sha256 of the ``rig.lock`` that it was held against.
    """

    rig: str
    machine: str | None
    target: str
    lock: str
    items: tuple[Item, ...]

    @property
    def differences(self) -> tuple[Item, ...]:
        """The promises that are not kept."""
        return tuple(item for item in self.items if item.differs)

    @property
    def unknown(self) -> tuple[Item, ...]:
        """What could not be seen."""
        return tuple(item for item in self.items if item.status is Status.UNKNOWN)
