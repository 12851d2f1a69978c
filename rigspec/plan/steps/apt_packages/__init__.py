"""The step `apt-packages`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.paths import CHECK_PACKAGES
from rigspec.plan.steps.base import ChecksumIndex, ImagePhase, Step, StepFact, Values

__all__ = ["AptPackage", "AptPackagesStep"]

# Packages of these layers are large.
_TOOLKIT_LAYERS = ("driver", "cuda")


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
    summary: ClassVar[str] = "installs packages at their locked versions"
    uses_apt_index: ClassVar[bool] = True
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

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image: large packages follow those of the system."""
        is_toolkit = self.layer in _TOOLKIT_LAYERS
        return ImagePhase.TOOLKIT_PACKAGES if is_toolkit else ImagePhase.SYSTEM_PACKAGES

    @property
    def image_group(self) -> str:
        """Return a key that is equal for packages that are one instruction."""
        is_toolkit = self.layer in _TOOLKIT_LAYERS
        return self.id if is_toolkit or self.needs else self.kind

    @property
    def lock_files(self) -> tuple[str, ...]:
        """Return the list of packages, and the program that compares it."""
        return (CHECK_PACKAGES, self.package_list) if self.package_list else ()

    @property
    def indexed_files(self) -> tuple[tuple[str, ChecksumIndex], ...]:
        """Return the list of packages."""
        is_indexed = self.package_list and self.has_checksums
        return ((self.package_list, ChecksumIndex.APT),) if is_indexed else ()

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return ()  # the lock has them
