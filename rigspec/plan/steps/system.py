"""Steps for the platform, services, the kernel and the verification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rigspec.plan.steps.base import Scope, Step
from rigspec.plan.steps.files import Variable

__all__ = [
    "Check",
    "KernelArgumentsStep",
    "PlatformStep",
    "RebootStep",
    "ServiceStep",
    "VerifyStep",
]


@dataclass(frozen=True, kw_only=True)
class PlatformStep(Step):
    """Fail unless ID and VERSION_ID of os-release, and ``uname -m``, have these values."""

    kind: ClassVar[str] = "platform"
    distribution: str
    release: str
    arch: str


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


@dataclass(frozen=True, kw_only=True)
class KernelArgumentsStep(Step):
    """Arguments for the kernel command line; they take effect after a reboot."""

    kind: ClassVar[str] = "kernel-arguments"
    scope: ClassVar[Scope] = Scope.HOST
    arguments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RebootStep(Step):
    """A reboot that is required before the following steps can be verified."""

    kind: ClassVar[str] = "reboot"
    scope: ClassVar[Scope] = Scope.HOST
    reason: str


@dataclass(frozen=True)
class Check:
    """A command that must print exactly ``expect``, without the final newline.

    A target that excludes ``layer`` also excludes the check. With ``after_reboot``, it can succeed
    only after the reboot of the plan; with ``requires_root``, it must run as root.
    """

    title: str
    command: tuple[str, ...]
    expect: str
    layer: str = "system"
    after_reboot: bool = False
    requires_root: bool = False


@dataclass(frozen=True, kw_only=True)
class VerifyStep(Step):
    """The verification of the installation against the lock; always the last step."""

    kind: ClassVar[str] = "verify"
    checks: tuple[Check, ...]
