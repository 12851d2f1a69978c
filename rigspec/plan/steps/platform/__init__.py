"""The step `platform`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import ImagePhase, Step, StepFact, Values

__all__ = ["PlatformStep"]


@dataclass(frozen=True, kw_only=True)
class PlatformStep(Step):
    """Fail unless ID and VERSION_ID of os-release, and ``uname -m``, have these values."""

    kind: ClassVar[str] = "platform"
    summary: ClassVar[str] = "refuses another system or architecture"
    distribution: str
    release: str
    arch: str

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {"distribution": self.distribution, "release": self.release, "arch": self.arch}

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.PLATFORM

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return ()  # the lock has it
