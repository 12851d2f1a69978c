"""The step `quota`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import Scope, Step, StepFact, Values

__all__ = ["QuotaStep"]


@dataclass(frozen=True, kw_only=True)
class QuotaStep(Step):
    """The disk quota of an account on the file system of its home directory.

    ``kib`` is in blocks of 1024 bytes; ``limit`` is the value in the spec. If quotas are not
    enabled, the target reports it.
    """

    kind: ClassVar[str] = "quota"
    summary: ClassVar[str] = "limits the disk space of an account; reports if nothing enforces it"
    in_image: ClassVar[str] = "no"
    scope: ClassVar[Scope] = Scope.HOST
    user: str
    limit: str
    kib: int

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {"user": self.user, "kib": str(self.kib), "limit": self.limit}

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return (StepFact("users", f"quota of {self.user}", self.limit),)
