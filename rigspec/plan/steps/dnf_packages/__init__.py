"""The step `dnf-packages`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.paths import CHECK_RPMS
from rigspec.plan.steps.base import ImagePhase, Step, StepFact, Values

__all__ = ["DnfPackage", "DnfPackagesStep"]


@dataclass(frozen=True)
class DnfPackage:
    """A package; ``version``, ``arch`` and ``sha256`` are None if the lock does not have them.

    ``version`` is ``VERSION-RELEASE`` or ``EPOCH:VERSION-RELEASE``, or a part of it if the package
    is not pinned. With ``hold``, upgrades do not change it.
    """

    name: str
    version: str | None = None
    arch: str | None = None
    sha256: str | None = None
    hold: bool = False

    @property
    def is_pinned(self) -> bool:
        """Return whether the lock has its file."""
        return self.sha256 is not None

    @property
    def pin(self) -> str:
        """Return the package specification for dnf: ``NAME-EPOCH:VERSION-RELEASE.ARCH``."""
        if self.version is None:
            return self.name
        if not self.is_pinned:
            return f"{self.name}-{self.version}"
        version = self.version if ":" in self.version else f"0:{self.version}"
        return f"{self.name}-{version}.{self.arch}"


@dataclass(frozen=True, kw_only=True)
class DnfPackagesStep(Step):
    """Packages to install.

    ``package_list`` is the payload file with the pinned packages; empty if no package is pinned.
    """

    kind: ClassVar[str] = "dnf-packages"
    summary: ClassVar[str] = "installs packages of dnf, verified by their locked checksums"
    packages: tuple[DnfPackage, ...]
    package_list: str = ""

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {"packages": self.package_list or None}

    def list_words(self) -> tuple[str, ...]:
        """Return the packages that are in no list and, after ``--``, the names to hold."""
        others = tuple(package.pin for package in self.packages if not package.is_pinned)
        held = tuple(package.name for package in self.packages if package.hold)
        return (*others, "--", *held) if held else others

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.SYSTEM_PACKAGES

    @property
    def lock_files(self) -> tuple[str, ...]:
        """Return the list of packages, and the program that compares it."""
        return (CHECK_RPMS, self.package_list) if self.package_list else ()

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return ()  # the lock has them
