"""The step `group`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import Step, StepFact, Values

__all__ = ["GroupStep"]


@dataclass(frozen=True, kw_only=True)
class GroupStep(Step):
    """A group. ``members`` are all its members; with None, they are not changed."""

    kind: ClassVar[str] = "group"
    summary: ClassVar[str] = "creates a group and sets its members"
    in_image: ClassVar[str] = "optional"
    name: str
    members: tuple[str, ...] | None = None

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {
            "name": self.name,
            "members": None if self.members is None else ",".join(self.members),
        }

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        members = "any user" if self.members is None else ", ".join(self.members)
        return (StepFact("users", f"group {self.name}", members),)
