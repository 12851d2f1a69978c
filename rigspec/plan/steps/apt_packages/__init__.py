"""The step `apt-packages`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rigspec.plan.steps.base import Step, Values

__all__ = ["AptPackage", "AptPackagesStep"]


@dataclass(frozen=True)
class AptPackage:
    """A package; ``version`` and ``sha256`` are None if the lock does not have them.

    With ``hold``, unattended upgrades do not change it.
    """

    name: str
    version: str | None = None
    sha256: str | None = None
    hold: bool = False

    @property
    def pin(self) -> str:
        """Return the package specification for apt."""
        return self.name if self.version is None else f"{self.name}={self.version}"


@dataclass(frozen=True, kw_only=True)
class AptPackagesStep(Step):
    """Packages to install.

    ``package_list`` is the payload file with the pinned packages; empty if no package is pinned.
    """

    kind: ClassVar[str] = "apt-packages"
    packages: tuple[AptPackage, ...]
    package_list: str = ""

    @property
    def has_checksums(self) -> bool:
        """Return whether the lock has checksums to compare with the package index."""
        return any(package.sha256 is not None for package in self.packages)

    @property
    def held_names(self) -> tuple[str, ...]:
        """Return the names of the packages that unattended upgrades must not change."""
        return tuple(package.name for package in self.packages if package.hold)

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {"packages": self.package_list or None, "checksums": self.has_checksums}

    def list_words(self) -> tuple[str, ...]:
        """Return the packages that are in no list and, after ``--``, the names to hold."""
        others = tuple(
            package.pin
            for package in self.packages
            if package.version is None or not self.package_list
        )
        return (*others, "--", *self.held_names) if self.held_names else others
