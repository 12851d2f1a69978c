"""The step `service`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import (
    ImagePhase,
    Scope,
    Step,
    StepFact,
    StepFile,
    Values,
    compute_digest,
)
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
    ``programs`` are the payload files of ``command`` and ``health``. ``command`` runs in
    ``folder``, by default the home directory. ``secret_variables`` are pairs of a variable and the
    name of the secret that ``command`` finds in it.
    """

    kind: ClassVar[str] = "service"
    summary: ClassVar[str] = "a systemd unit; its `command` runs in the foreground"
    in_image: ClassVar[str] = "at start"
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
    folder: str = ""
    secret_variables: tuple[tuple[str, str], ...] = ()

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

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.START

    @property
    def delivered_files(self) -> tuple[StepFile, ...]:
        """Return the files that a target delivers for it."""
        return (StepFile(self.id, self.unit),) if self.unit else ()

    @property
    def fix_requires_reboot(self) -> bool:
        """Return False: a service is restarted."""
        return False

    @property
    def restarts_after(self) -> tuple[str, ...]:
        """Return the ids of the steps with its configuration, which it reads at start."""
        return (*self.needs, *self.restart_on)

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        value = "unit of the rig" if self.unit else "unit of the package"
        return (
            StepFact("services", self.name, value, compute_digest(self.unit) if self.unit else ""),
        )
