"""Steps for the machine as a whole: its system, kernel and services, and the look at all of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rigspec.plan.steps.base import Scope, Step
from rigspec.plan.steps.files import Variable

__all__ = ["Check", "KernelArguments", "Platform", "Reboot", "Service", "Verify"]


@dataclass(frozen=True, kw_only=True)
class Platform(Step):
    """Refuse to go on unless the machine is this one: os-release's ID and VERSION_ID, uname's
    machine.
    """

    kind: ClassVar[str] = "platform"
    distribution: str
    release: str
    arch: str


@dataclass(frozen=True, kw_only=True)
class Service(Step):
    """A systemd unit that is enabled, and started where systemd runs.

    ``name`` is the unit's whole name (``jupyter-alice.service``), ``unit`` its text: empty where a
    package brings the unit. It starts anew when a step of ``configured_by`` writes something else,
    if ``tried`` succeeds: a command that reads the settings as the service would.

    ``port`` and ``address`` are where it answers. ``command`` is what it runs in the foreground
    where there is no systemd, for the ``user``, on every interface: empty for a service that is
    the host's alone. ``variables`` are what it has beside those of a session; with them ``health``
    succeeds as long as it answers. ``programs`` name the payload files of both.
    """

    kind: ClassVar[str] = "service"
    scope: ClassVar[Scope] = Scope.HOST
    name: str
    unit: str = ""
    configured_by: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    user: str | None = None
    port: int | None = None
    variables: tuple[Variable, ...] = ()
    health: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    address: str = "127.0.0.1"


@dataclass(frozen=True, kw_only=True)
class KernelArguments(Step):
    """Arguments for the kernel's command line, in force after a reboot."""

    kind: ClassVar[str] = "kernel-arguments"
    scope: ClassVar[Scope] = Scope.HOST
    arguments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Reboot(Step):
    """A reboot is needed before the steps after it can be true."""

    kind: ClassVar[str] = "reboot"
    scope: ClassVar[Scope] = Scope.HOST
    reason: str


@dataclass(frozen=True)
class Check:
    """A command whose output must be ``expect``, to the letter, without the last newline.

    ``part`` is the layer it looks at: a target that leaves the layer out leaves the check out.
    ``booted`` is for what is true only after the reboot that the plan asks for, ``root`` for what
    nobody else can ask.
    """

    title: str
    command: tuple[str, ...]
    expect: str
    part: str = "system"
    booted: bool = False
    root: bool = False


@dataclass(frozen=True, kw_only=True)
class Verify(Step):
    """What is installed, held against the lock. Always the last step."""

    kind: ClassVar[str] = "verify"
    checks: tuple[Check, ...]
