"""The step `dnf-repository`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import ImagePhase, Step, StepFact, Values

__all__ = ["DnfRepositoryStep"]


@dataclass(frozen=True, kw_only=True)
class DnfRepositoryStep(Step):
    """A dnf repository. The file of its signing key has a locked checksum.

    ``signed_index`` is set if the key signs the index as well as the packages.
    """

    kind: ClassVar[str] = "dnf-repository"
    is_only_needed: ClassVar[bool] = True
    summary: ClassVar[str] = "adds a dnf repository and verifies the checksum of its key"
    name: str
    url: str
    key_url: str
    key_sha256: str
    signed_index: bool = False

    @property
    def key_path(self) -> str:
        """Return the path of the key on the machine."""
        return f"/etc/pki/rpm-gpg/RPM-GPG-KEY-rig-{self.name}"

    @property
    def path(self) -> str:
        """Return the path of the file that declares the repository."""
        return f"/etc/yum.repos.d/rig-{self.name}.repo"

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {
            "name": self.name,
            "url": self.url,
            "key_url": self.key_url,
            "key_sha256": self.key_sha256,
            "signed": self.signed_index,
        }

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.APT_SOURCES

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return ()  # the lock has them
