"""The step `verify`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import ImagePhase, Step, StepFact, compute_digest

__all__ = ["Check", "VerifyStep"]


@dataclass(frozen=True)
class Check:
    """A command that must print exactly ``expect``, without the final newline.

    A target that excludes ``layer`` also excludes the check. With ``after_reboot``, it can succeed
    only after the reboot of the plan; with ``requires_root``, it must run as root. With
    ``is_of_packages``, it checks the packages of apt in its layer.
    """

    title: str
    command: tuple[str, ...]
    expect: str
    layer: str = "system"
    after_reboot: bool = False
    requires_root: bool = False
    is_of_packages: bool = False


@dataclass(frozen=True, kw_only=True)
class VerifyStep(Step):
    """The verification of the installation against the lock; always the last step."""

    kind: ClassVar[str] = "verify"
    summary: ClassVar[str] = "compares the installation with the lock; always last"
    checks: tuple[Check, ...]

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.START

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return tuple(
            StepFact(
                "checks",
                check.title,
                check.expect or "nothing",
                compute_digest(" ".join([*check.command, check.expect])),
                "check",
            )
            for check in self.checks
        )
