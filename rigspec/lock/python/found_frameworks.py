"""Frameworks that a resolver chose for an environment, and their conflict with the machine."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.lock.errors import LockError
from rigspec.matrix.model import Rule
from rigspec.resolve.conflicts.report import build_conflict_diagnostic, describe_rule
from rigspec.resolve.conflicts.unsat_core import Conflict
from rigspec.resolve.problem.model import KeyPath, Problem
from rigspec.spec.toml.document import Document

__all__ = ["FoundFramework", "FrameworkConflict"]


@dataclass(frozen=True)
class FoundFramework:
    """A framework at a version that a resolver chose for an environment.

    ``path`` is the line of the spec that requires it; ``required_by`` names the package of that
    line where the framework is a dependency.
    """

    env: str
    product: str
    package: str
    version: str
    path: KeyPath | None = None
    required_by: str | None = None


class FrameworkConflict(LockError):
    """Frameworks that a resolver chose do not fit the machine."""

    def __init__(self, env: str, conflict: Conflict, problem: Problem) -> None:
        message = f"the frameworks of the environment `{env}` do not fit the machine"
        super().__init__(Diagnostic("RS506", Severity.ERROR, message), 1)
        self._conflict, self._problem = conflict, problem
        # How to request a build of another index that fits the machine.
        self.remedy: str | None = None

    @property
    def rule(self) -> Rule | None:
        """The first rule of the matrix that is part of it."""
        return next((row.rule for row in self._conflict.rows), None)

    @property
    def reason(self) -> str:
        """The statement of that rule about this machine."""
        # Without a rule, the release itself is none that the matrix admits here.
        unknown = "the matrix has no such release for this machine"
        return next((describe_rule(self._conflict, row) for row in self._conflict.rows), unknown)

    @property
    def is_about_hardware(self) -> bool:
        """Return whether a fact of the machine is involved, not only its software."""
        return self._conflict.is_about_hardware

    def as_warning(self, framework: FoundFramework) -> Diagnostic:
        """Return the conflict as a warning about a dependency that may not work."""
        rule = self.rule
        return Diagnostic(
            code=rule.code if rule is not None else "RS506",
            severity=Severity.WARNING,
            message=f"{framework.package} {framework.version} in `{framework.env}`, a dependency, "
            f"may not work because {self.reason}",
        )

    def locate(self, document: Document) -> Diagnostic:
        """Return the conflict with its lines, its facts and its remedy."""
        found = build_conflict_diagnostic(
            self._conflict, (), self._problem, document, searched=False
        )
        return replace(found, help=(*found.help, *([self.remedy] if self.remedy else ())))
