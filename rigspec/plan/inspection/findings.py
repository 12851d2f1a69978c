"""The result of inspecting a step on a machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from rigspec.plan.model import Plan
from rigspec.plan.steps import Step

__all__ = ["Finding", "Fix", "Inspection", "Status"]


class Status(str, Enum):
    """The status of a finding. ``unknown`` could not be checked; it is not a difference."""

    OK = "ok"
    DIFFERS = "differs"
    MISSING = "missing"
    EXTRA = "extra"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Finding:
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
        """Return whether the finding is a difference."""
        return self.status not in (Status.OK, Status.UNKNOWN)


@dataclass(frozen=True)
class Fix:
    """Commands that fix the findings of a step, and whether the step is run again after them."""

    commands: tuple[str, ...] = ()
    rerun: bool = True


@dataclass(frozen=True)
class Inspection:
    """The plan of the inspected machine, the steps of its target, and the files they write."""

    plan: Plan
    steps: tuple[Step, ...]
    texts: Mapping[str, str]
