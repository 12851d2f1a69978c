"""The step `environment-variables`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rigspec.plan.steps.base import Step, Values
from rigspec.plan.steps.variables import Variable

__all__ = ["EnvironmentVariablesStep"]


@dataclass(frozen=True, kw_only=True)
class EnvironmentVariablesStep(Step):
    """The variables that are set by activating the environment ``name`` at ``path``.

    If conda manages the environment (``by_conda``), it sources the scripts from a directory.
    Otherwise they are sourced by the ``activate`` script of the environment.
    """

    kind: ClassVar[str] = "environment-variables"
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
