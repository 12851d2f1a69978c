"""The step `installer`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.lock.model import LockedFile
from rigspec.plan.steps.base import ImagePhase, Step, StepFact, Values

__all__ = ["InstallerStep"]


@dataclass(frozen=True, kw_only=True)
class InstallerStep(Step):
    """A self-extracting installer to download, verify and run with ``arguments``.

    ``prefix`` is the directory that only this installer uses, removed before each run; empty if it
    installs into a shared directory.
    """

    kind: ClassVar[str] = "installer"
    summary: ClassVar[str] = "downloads, verifies and runs a self-extracting installer"
    file: LockedFile
    arguments: tuple[str, ...]
    creates: str
    prefix: str = ""

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {
            "url": self.file.url,
            "sha256": self.file.sha256,
            "prefix": self.prefix or None,
            "creates": self.creates,
        }

    def list_words(self) -> tuple[str, ...]:
        """Return the arguments of the installer."""
        return self.arguments

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.DOWNLOADS

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return (StepFact("files", self.creates, f"from {self.file.name}"),)
