"""The step `variables`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import ImagePhase, Scope, Step, StepFact, StepFile, Values

__all__ = ["Variable", "VariablesStep"]


@dataclass(frozen=True)
class Variable:
    """An environment variable; with ``prepend``, ``values`` are added before the existing value."""

    name: str
    values: tuple[str, ...]
    prepend: bool


@dataclass(frozen=True, kw_only=True)
class VariablesStep(Step):
    """The environment variables of login sessions, written to the file ``path``."""

    kind: ClassVar[str] = "variables"
    summary: ClassVar[str] = "sets environment variables of every session"
    scope: ClassVar[Scope] = Scope.SESSION
    path: str
    variables: tuple[Variable, ...]

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {"path": self.path}

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.START

    @property
    def delivered_files(self) -> tuple[StepFile, ...]:
        """Return the files that a target delivers for it."""
        return (StepFile(self.id, template="fragment.sh.j2"),)

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return tuple(StepFact("variables", each.name, _format(each)) for each in self.variables)


def _format(variable: Variable) -> str:
    value = ":".join(variable.values)
    return f"{value} (prepended)" if variable.prepend else value
