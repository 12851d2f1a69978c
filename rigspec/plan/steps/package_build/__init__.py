"""The step `package-build`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.lock.model import LockedPythonPackage
from rigspec.plan.steps.base import ChecksumIndex, ImagePhase, Step, StepFact, Values

__all__ = ["PackageBuildStep"]


@dataclass(frozen=True, kw_only=True)
class PackageBuildStep(Step):
    """Source archives that the packages of their environment at ``path`` do not build.

    ``name`` is the start of the names of its files. ``create_command`` creates a temporary
    environment when a path is put after it. ``tools`` is the payload file of the packages that are
    installed there, ``sources`` that of the archives, which are built with ``build_variables`` and
    installed as wheels. ``index`` and ``extra_indexes`` are those of the environment. ``packages``
    are those of ``tools``.
    """

    kind: ClassVar[str] = "package-build"
    summary: ClassVar[str] = "builds packages with other packages than those of the environment"
    name: str
    path: str
    python: str
    create_command: tuple[str, ...]
    tools: str
    sources: str
    build_variables: tuple[str, ...] = ()
    index: str | None = None
    extra_indexes: tuple[str, ...] = ()
    packages: tuple[LockedPythonPackage, ...] = ()

    @property
    def lock_files(self) -> tuple[str, ...]:
        """Return the files of the lock that it reads, in order of use."""
        return (self.tools, self.sources)

    @property
    def indexed_files(self) -> tuple[tuple[str, ChecksumIndex], ...]:
        """Return its files if all packages are from PyPI."""
        if self.index is not None or self.extra_indexes:
            return ()
        return tuple((name, ChecksumIndex.PYPI) for name in self.lock_files)

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.ENVIRONMENTS

    @property
    def changes_inside(self) -> str:
        """Return the directory of the environment."""
        return self.path

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {
            "python": self.python,
            "tools": self.tools,
            "sources": self.sources,
            "build_variables": " ".join(self.build_variables) or None,
            "index": self.index,
            "extra_indexes": " ".join(self.extra_indexes) or None,
        }

    def list_words(self) -> tuple[str, ...]:
        """Return the command that creates an environment."""
        return self.create_command

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        tools = ", ".join(f"{package.name} {package.version}" for package in self.packages)
        return (StepFact("environments", f"{self.title} in {self.path}", f"built with {tools}"),)
