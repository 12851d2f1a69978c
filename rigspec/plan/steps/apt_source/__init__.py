"""The step `apt-source`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import ImagePhase, Step, StepFact, Values

__all__ = ["AptSourceStep"]


@dataclass(frozen=True, kw_only=True)
class AptSourceStep(Step):
    """Source lines for the distribution's archive, in the apt source file ``name``.

    Without ``entries``, the machine already has the first of ``components`` for the ``suites``;
    ``program``, a payload file, prints the lines for the others.
    """

    kind: ClassVar[str] = "apt-source"
    summary: ClassVar[str] = "sets the archive of the distribution"
    uses_apt_index: ClassVar[bool] = True
    name: str
    entries: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    program: str = ""

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {
            "name": self.name,
            "suites": " ".join(self.suites) or None,
            "components": " ".join(self.components) or None,
            "program": self.program or None,
        }

    def list_words(self) -> tuple[str, ...]:
        """Return the lines of the file."""
        return self.entries

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.APT_SOURCES

    @property
    def lock_files(self) -> tuple[str, ...]:
        """Return the program that prints the lines."""
        return (self.program,) if self.program else ()

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        value = "; ".join(self.entries) or " ".join(self.components)
        return (StepFact("repositories", self.name, value),)
