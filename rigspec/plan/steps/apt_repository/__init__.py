"""The step `apt-repository`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.paths import APT_SOURCE_LINE
from rigspec.plan.steps.base import ImagePhase, Step, StepFact, Values

__all__ = ["AptRepositoryStep"]


@dataclass(frozen=True, kw_only=True)
class AptRepositoryStep(Step):
    """A package repository. The fingerprint of its signing key is verified."""

    kind: ClassVar[str] = "apt-repository"
    is_only_needed: ClassVar[bool] = True
    summary: ClassVar[str] = "adds a repository and verifies the fingerprint of its key"
    name: str
    url: str
    suite: str
    components: tuple[str, ...]
    key_url: str
    key_fingerprint: str

    @property
    def key_protocols(self) -> tuple[str, ...]:
        """Return the protocols for downloading the key: that of its URL, and HTTPS."""
        scheme = self.key_url.partition(":")[0]
        return tuple(dict.fromkeys((scheme, "https")))

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {
            "name": self.name,
            "url": self.url,
            "suite": self.suite,
            "components": " ".join(self.components) or None,
            "key_url": self.key_url,
            "protocols": ",".join(p for p in self.key_protocols if p != "https") or None,
            "fingerprint": self.key_fingerprint,
        }

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.APT_REPOSITORIES

    @property
    def lock_files(self) -> tuple[str, ...]:
        """Return the program that prints the source line."""
        return (APT_SOURCE_LINE,)

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        return ()  # the lock has them
