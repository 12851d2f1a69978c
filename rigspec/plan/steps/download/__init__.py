"""The step `download`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.lock.model import LockedFile
from rigspec.plan.steps.base import ImagePhase, Step, StepFact, Values

__all__ = ["DownloadStep"]


@dataclass(frozen=True, kw_only=True)
class DownloadStep(Step):
    """A file to download and verify; ``to`` is its path."""

    kind: ClassVar[str] = "download"
    summary: ClassVar[str] = "downloads and verifies one file"
    file: LockedFile
    to: str
    mode: str = "0644"

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        file = self.file
        return {"url": file.url, "sha256": file.sha256, "to": self.to, "mode": self.mode}

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.DOWNLOADS

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return (StepFact("files", self.to, f"mode {self.mode}", self.file.sha256),)
