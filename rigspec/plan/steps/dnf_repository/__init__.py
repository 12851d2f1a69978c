"""The step `dnf-repository`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import ImagePhase, Step, StepFact, Values

__all__ = ["DnfRepositoryStep"]


@dataclass(frozen=True, kw_only=True)
class DnfRepositoryStep(Step):
    """A dnf repository. The file of its signing key has a locked checksum, if its index was read.

    Otherwise the key is verified by its fingerprint or by ``key_text_sha256``, the checksum of its
    file without lines ``Version``. ``signed_index`` is set if the key signs the index as well as
    the packages. With ``module_hotfixes`` dnf does not filter its packages by module streams.
    """

    kind: ClassVar[str] = "dnf-repository"
    is_only_needed: ClassVar[bool] = True
    summary: ClassVar[str] = "adds a dnf repository and verifies its key"
    name: str
    url: str
    key_url: str
    key_sha256: str | None = None
    key_text_sha256: str | None = None
    key_fingerprint: str | None = None
    signed_index: bool = False
    module_hotfixes: bool = False

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
            **self._get_key_value(),
            "signed": self.signed_index,
            "hotfixes": self.module_hotfixes,
        }

    def _get_key_value(self) -> Values:
        """Return the value that verifies the key."""
        if self.key_sha256 is not None:
            return {"key_sha256": self.key_sha256}
        if self.key_text_sha256 is not None:
            return {"key_text_sha256": self.key_text_sha256}
        return {"key_fingerprint": self.key_fingerprint}

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.APT_SOURCES

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return ()  # the lock has them
