"""The step `archive`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.lock.model import LockedFile
from rigspec.plan.steps.base import ImagePhase, Step, StepFact, Values

__all__ = ["ArchiveStep"]


@dataclass(frozen=True, kw_only=True)
class ArchiveStep(Step):
    """A tar archive to download, verify and unpack into ``to``.

    ``strip`` leading path components are removed. ``creates`` is a path that exists afterwards.
    ``exclusive`` is set if only this archive uses ``to``.
    """

    kind: ClassVar[str] = "archive"
    summary: ClassVar[str] = "downloads, verifies and unpacks a tar archive"
    file: LockedFile
    to: str
    strip: int
    creates: str
    exclusive: bool = False

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {
            "url": self.file.url,
            "sha256": self.file.sha256,
            "to": self.to,
            "strip": str(self.strip),
            "creates": self.creates,
            "exclusive": self.exclusive,
        }

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.DOWNLOADS

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return (StepFact("files", self.creates, f"from {self.file.name}"),)
