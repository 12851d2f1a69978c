"""The step `platform`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rigspec.plan.steps.base import Step, Values

__all__ = ["PlatformStep"]


@dataclass(frozen=True, kw_only=True)
class PlatformStep(Step):
    """Fail unless ID and VERSION_ID of os-release, and ``uname -m``, have these values."""

    kind: ClassVar[str] = "platform"
    distribution: str
    release: str
    arch: str

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {"distribution": self.distribution, "release": self.release, "arch": self.arch}
