"""The model of a diagnosis."""

from __future__ import annotations

from dataclasses import dataclass

from rigspec.plan.inspection.findings import Finding, Status

__all__ = ["Diagnosis"]


@dataclass(frozen=True)
class Diagnosis:
    """All findings on one machine, sorted by layer, name and aspect.

    ``lock`` is the sha256 of the ``rig.lock``.
    """

    rig: str
    machine: str | None
    target: str
    lock: str
    items: tuple[Finding, ...]

    @property
    def differences(self) -> tuple[Finding, ...]:
        """Return the findings that are differences."""
        return tuple(item for item in self.items if item.is_difference)

    @property
    def unknown(self) -> tuple[Finding, ...]:
        """Return what could not be checked."""
        return tuple(item for item in self.items if item.status is Status.UNKNOWN)
