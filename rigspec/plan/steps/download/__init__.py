"""The step `download`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rigspec.lock.model import LockedFile
from rigspec.plan.steps.base import Step, Values

__all__ = ["DownloadStep"]


@dataclass(frozen=True, kw_only=True)
class DownloadStep(Step):
    """A file to download and verify; ``to`` is its path."""

    kind: ClassVar[str] = "download"
    file: LockedFile
    to: str
    mode: str = "0644"

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        file = self.file
        return {"url": file.url, "sha256": file.sha256, "to": self.to, "mode": self.mode}
