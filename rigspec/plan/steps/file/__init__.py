"""The step `file`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import Step, StepFact, StepFile, Values, compute_digest

__all__ = ["FileStep"]


@dataclass(frozen=True, kw_only=True)
class FileStep(Step):
    """A text file with its owner (``user:group``) and mode.

    With ``requires_ssh_key``, it is written only if at least one account can log in with a key.
    """

    kind: ClassVar[str] = "file"
    summary: ClassVar[str] = "writes a text file with owner and mode"
    path: str
    content: str
    owner: str = "root:root"
    mode: str = "0644"
    requires_ssh_key: bool = False

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {
            "path": self.path,
            "mode": None if self.mode == "0644" else self.mode,
            "owner": None if self.owner == "root:root" else self.owner,
            "requires_ssh_key": self.requires_ssh_key,
            "dependents": self.list_readers(steps),
        }

    @property
    def image_group(self) -> str:
        """Return a key that is equal for all files."""
        return self.kind

    @property
    def delivered_files(self) -> tuple[StepFile, ...]:
        """Return the files that a target delivers for it."""
        return (StepFile(self.id, self.content),)

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        value = f"{self.owner}, mode {self.mode}"
        return (StepFact("files", self.path, value, compute_digest(self.content)),)
