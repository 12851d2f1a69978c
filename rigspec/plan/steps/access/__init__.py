"""The step `access`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import Step, StepFact, Values

__all__ = ["AccessStep"]


@dataclass(frozen=True, kw_only=True)
class AccessStep(Step):
    """The ``owner`` (``user:group``) and ``mode`` of a directory of the rig."""

    kind: ClassVar[str] = "access"
    summary: ClassVar[str] = "restricts who can enter the folder of an environment"
    in_image: ClassVar[str] = "optional"
    path: str
    owner: str
    mode: str

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {"path": self.path, "owner": self.owner, "mode": self.mode}

    @property
    def changes_inside(self) -> str:
        """Return the directory."""
        return self.path

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return (StepFact("files", self.path, f"{self.owner}, mode {self.mode}"),)
