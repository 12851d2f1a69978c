"""The step `variables`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rigspec.plan.steps.base import Scope, Step, Values

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
    scope: ClassVar[Scope] = Scope.SESSION
    path: str
    variables: tuple[Variable, ...]

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {"path": self.path}
