"""The step `reboot`."""

from __future__ import annotations

import hashlib
from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import Scope, Step, StepFact, Values

__all__ = ["RebootStep"]


@dataclass(frozen=True, kw_only=True)
class RebootStep(Step):
    """A reboot that is required before the following steps can be verified."""

    kind: ClassVar[str] = "reboot"
    summary: ClassVar[str] = "reboots before the following steps apply"
    in_image: ClassVar[str] = "no"
    scope: ClassVar[Scope] = Scope.HOST
    reason: str

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        inputs = (self.reason, *(value for step in steps for value in step.reboot_inputs))
        digest = hashlib.sha256("\n".join(inputs).encode()).hexdigest()
        return {"reason": self.reason, "digest": digest}

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return (StepFact("reboot", "a reboot", self.reason),)
