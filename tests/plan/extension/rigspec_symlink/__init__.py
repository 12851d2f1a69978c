"""The step `symlink`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rigspec.plan.steps import Step, StepFact
from rigspec.plan.steps.base import Values

__all__ = ["SymlinkStep"]


@dataclass(frozen=True, kw_only=True)
class SymlinkStep(Step):
    """A symbolic link at ``path``."""

    kind: ClassVar[str] = "symlink"
    summary: ClassVar[str] = "creates a symbolic link"
    path: str
    target: str

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return (StepFact("files", self.path, f"link to {self.target}"),)

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {"path": self.path, "target": self.target}
