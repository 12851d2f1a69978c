"""The step `dnf-host-packages`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import Scope, Step, Values
from rigspec.plan.steps.dnf_packages import DnfPackagesStep

__all__ = ["DnfHostPackagesStep"]


@dataclass(frozen=True, kw_only=True)
class DnfHostPackagesStep(DnfPackagesStep):
    """Packages of dnf that change the running kernel, such as a driver; not possible in an image.

    ``builds_modules`` is set if they build kernel modules on the machine.
    """

    kind: ClassVar[str] = "dnf-host-packages"
    summary: ClassVar[str] = "`dnf-packages` that change the running kernel, such as a driver"
    in_image: ClassVar[str] = "no"
    scope: ClassVar[Scope] = Scope.HOST
    builds_modules: bool = False

    @property
    def reboot_inputs(self) -> tuple[str, ...]:
        """Return the packages with their versions."""
        return tuple(package.pin for package in self.packages)

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {**super().list_values(steps), "modules": self.builds_modules}
