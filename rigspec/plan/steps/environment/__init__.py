"""The step `environment`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.lock.model import LockedChannelPackage, LockedPythonPackage
from rigspec.plan.steps.base import ChecksumIndex, ImagePhase, Step, StepFact, Values

__all__ = ["EnvironmentStep"]


@dataclass(frozen=True, kw_only=True)
class EnvironmentStep(Step):
    """A Python environment at ``path``, with packages pinned by hash.

    ``create_command`` creates it; the path is appended
    (``("virtualenv", "--python", "python2.7")``). ``requirements`` and ``tools`` are payload files;
    ``tools`` (pip and its companions) are installed first, ``sources`` (source archives, which pip
    builds with the packages of the environment and with ``build_variables``, such as
    ``USE_WHEELS=no``) last. If conda creates the environment,
    ``explicit`` is the list of its packages, which ``create_command`` reads. ``index`` is the URL
    of the Python index, if the spec sets one, and ``extra_indexes`` are those of its builds that
    the default index does not have. ``bootstrap`` is the interpreter that ``tools`` are
    installed into first, if ``create_command`` is one of them. ``conda_packages`` are those of
    ``explicit``, ``packages`` those of the other files.
    """

    kind: ClassVar[str] = "environment"
    summary: ClassVar[str] = "creates a Python environment from files with hashes"
    name: str
    path: str
    create_command: tuple[str, ...]
    python: str
    requirements: str
    tools: str
    pip: str
    sources: str | None = None
    build_variables: tuple[str, ...] = ()
    explicit: str | None = None
    bootstrap: str | None = None
    index: str | None = None
    extra_indexes: tuple[str, ...] = ()
    packages: tuple[LockedPythonPackage, ...] = ()
    conda_packages: tuple[LockedChannelPackage, ...] = ()

    @property
    def lock_files(self) -> tuple[str, ...]:
        """Return the files of the lock that it is created from, in order of use."""
        conda = () if self.explicit is None else (self.explicit,)
        sources = () if self.sources is None else (self.sources,)
        return (*conda, self.tools, self.requirements, *sources)

    @property
    def indexed_files(self) -> tuple[tuple[str, ChecksumIndex], ...]:
        """Return its requirements if all are from PyPI; other indexes may list no checksums."""
        if self.index is not None or self.extra_indexes:
            return ()
        names = (self.tools, self.requirements, self.sources)
        return tuple((name, ChecksumIndex.PYPI) for name in names if name is not None)

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {
            "path": self.path,
            "python": None if self.python == f"{self.path}/bin/python" else self.python,
            "tools": self.tools,
            "requirements": self.requirements,
            "sources": self.sources,
            "build_variables": " ".join(self.build_variables) or None,
            "explicit": self.explicit,
            "bootstrap": self.bootstrap,
            "index": self.index,
            "extra_indexes": " ".join(self.extra_indexes) or None,
        }

    def list_words(self) -> tuple[str, ...]:
        """Return the command that creates the environment."""
        return self.create_command

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.ENVIRONMENTS

    @property
    def recreates(self) -> str:
        """Return its directory."""
        return self.path

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        value = f"Python {self.python} by {' '.join(self.create_command)}, pip {self.pip}"
        return (StepFact("environments", self.path, value),)
