"""The step `file`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rigspec.plan.steps.base import Step, Values

__all__ = ["FileStep"]


@dataclass(frozen=True, kw_only=True)
class FileStep(Step):
    """A text file with its owner (``user:group``) and mode.

    With ``requires_ssh_key``, it is written only if at least one account can log in with a key.
    """

    kind: ClassVar[str] = "file"
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
