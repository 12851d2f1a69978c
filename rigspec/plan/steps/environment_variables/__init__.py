"""The step `environment-variables`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import ImagePhase, Step, StepFact, StepFile, Values
from rigspec.plan.steps.variables import Variable

__all__ = ["EnvironmentVariablesStep"]


@dataclass(frozen=True, kw_only=True)
class EnvironmentVariablesStep(Step):
    """The variables that are set by activating the environment ``name`` at ``path``.

    If conda manages the environment (``by_conda``), it sources the scripts from a directory.
    Otherwise they are sourced by the ``activate`` script of the environment.
    """

    kind: ClassVar[str] = "environment-variables"
    summary: ClassVar[str] = "sets variables when an environment is activated"
    name: str
    path: str
    by_conda: bool
    variables: tuple[Variable, ...]

    @property
    def scripts(self) -> tuple[tuple[str, str], ...]:
        """Return the payload name and the path of the scripts for activation and deactivation."""
        if self.by_conda:
            paths = ("etc/conda/activate.d/rig.sh", "etc/conda/deactivate.d/rig.sh")
        else:
            paths = ("etc/rig/activate.sh", "etc/rig/deactivate.sh")
        names = (self.id, f"{self.id}.end")
        pairs = zip(names, paths, strict=True)
        return tuple((name, f"{self.path}/{path}") for name, path in pairs)

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {"path": self.path, "by_conda": self.by_conda}

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.ACTIVATION

    @property
    def changes_inside(self) -> str:
        """Return the directory of the environment."""
        return self.path

    @property
    def delivered_files(self) -> tuple[StepFile, ...]:
        """Return the files that a target delivers for it."""
        templates = ("activate.sh.j2", "deactivate.sh.j2")
        pairs = zip(self.scripts, templates, strict=True)
        return tuple(StepFile(name, template=template) for (name, _), template in pairs)

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return tuple(
            StepFact("variables", f"{variable.name} in {self.name}", ":".join(variable.values))
            for variable in self.variables
        )
