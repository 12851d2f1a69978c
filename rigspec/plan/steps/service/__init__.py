"""The step `service`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rigspec.plan.steps.base import Scope, Step, Values
from rigspec.plan.steps.variables import Variable

__all__ = ["ServiceStep"]


@dataclass(frozen=True, kw_only=True)
class ServiceStep(Step):
    """A systemd unit that is enabled, and started if systemd is running.

    ``name`` is the full name (``jupyter-alice.service``), ``unit`` its text; empty if a package
    provides the unit. The unit is restarted when a step in ``restart_on`` changes a file, if
    ``config_test`` succeeds.

    The service listens on ``address`` and ``port``. Without systemd, ``command`` runs it as
    ``user`` in the foreground, on all interfaces; empty for a service that runs on the host only.
    ``variables`` extend those of login sessions. ``health`` succeeds while the service is healthy.
    ``programs`` are the payload files of ``command`` and ``health``.
    """

    kind: ClassVar[str] = "service"
    scope: ClassVar[Scope] = Scope.HOST
    name: str
    unit: str = ""
    restart_on: tuple[str, ...] = ()
    config_test: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str | None = None
    port: int | None = None
    variables: tuple[Variable, ...] = ()
    health: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    address: str = "127.0.0.1"

    @property
    def reads(self) -> tuple[str, ...]:
        """Return the ids of the steps with its configuration files."""
        return self.restart_on

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {
            "name": self.name,
            "unit": bool(self.unit),
            "restart_on": " ".join(self.restart_on) or None,
        }

    def list_words(self) -> tuple[str, ...]:
        """Return the command that checks its configuration."""
        return self.config_test
