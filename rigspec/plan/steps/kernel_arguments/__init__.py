"""The step `kernel-arguments`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import Scope, Step, StepFact

__all__ = ["KernelArgumentsStep"]


@dataclass(frozen=True, kw_only=True)
class KernelArgumentsStep(Step):
    """Values for the kernel command line; they take effect after a reboot."""

    kind: ClassVar[str] = "kernel-arguments"
    summary: ClassVar[str] = "sets the kernel command line"
    in_image: ClassVar[str] = "no"
    scope: ClassVar[Scope] = Scope.HOST
    arguments: tuple[str, ...]

    @property
    def reboot_inputs(self) -> tuple[str, ...]:
        """Return the arguments."""
        return self.arguments

    def list_words(self) -> tuple[str, ...]:
        """Return the arguments."""
        return self.arguments

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return tuple(StepFact("kernel arguments", each, "set") for each in self.arguments)
