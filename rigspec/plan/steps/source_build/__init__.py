"""The step `source-build`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.lock.model import LockedFile
from rigspec.plan.steps.base import ImagePhase, Step, StepFact, Values

__all__ = ["SourceBuildStep", "SourceRename"]


@dataclass(frozen=True)
class SourceRename:
    """A name in one file of the source that newer system headers declare as well."""

    file: str
    name: str
    new_name: str

    @property
    def expression(self) -> str:
        """The command of sed that renames it."""
        return rf"s/\b{self.name}\b/{self.new_name}/g"


@dataclass(frozen=True, kw_only=True)
class SourceBuildStep(Step):
    """A source archive to download, verify, build with ``configure`` and make, and install.

    ``configure`` are the arguments of its configure script, ``c_flags`` those of the compiler.
    ``rename`` changes the source before. ``prefix`` is the directory that only this build uses.
    ``check_command`` fails if the build lacks an optional part.
    """

    kind: ClassVar[str] = "source-build"
    summary: ClassVar[str] = "downloads, verifies, builds and installs a source archive"
    file: LockedFile
    configure: tuple[str, ...]
    c_flags: tuple[str, ...]
    rename: SourceRename | None = None
    prefix: str
    creates: str
    check_command: tuple[str, ...]

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {
            "url": self.file.url,
            "sha256": self.file.sha256,
            "prefix": self.prefix,
            "creates": self.creates,
            "c_flags": " ".join(self.c_flags) or None,
            "renamed_in": self.rename.file if self.rename is not None else None,
            "rename": self.rename.expression if self.rename is not None else None,
        }

    def list_words(self) -> tuple[str, ...]:
        """Return the arguments of the configure script and, after ``--``, the check command."""
        return (*self.configure, "--", *self.check_command)

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.SOURCE_BUILDS

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return (StepFact("files", self.creates, f"from {self.file.name}"),)
