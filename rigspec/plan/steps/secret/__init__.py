"""The step `secret`."""

from __future__ import annotations

import re
from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import LINKS, ImagePhase, Step, StepFact, StepFile, Values

__all__ = ["SecretStep"]


_PLACEHOLDERS = re.compile(r"(\{secret\}|\{account\}|\{password\})")


@dataclass(frozen=True, kw_only=True)
class SecretStep(Step):
    """A file with a secret, which is not part of any artifact.

    ``name`` is the name of the secret; how it is provided depends on the target. Only the ``owner``
    can read the file. ``text`` is the content with ``{secret}`` as a placeholder; empty means the
    secret alone. With the placeholders ``{account}`` and ``{password}``, the secret has the form
    ``account:password``.
    """

    kind: ClassVar[str] = "secret"
    summary: ClassVar[str] = (
        "writes a secret to a file that one account can read, alone or within settings (`text`)"
    )
    in_image: ClassVar[str] = "at start"
    name: str
    path: str
    owner: str = "root"
    text: str = ""

    @property
    def lines(self) -> tuple[tuple[str, ...], ...]:
        """Return the lines of the file, each split into literal text and placeholders."""
        lines = (self.text or "{secret}").splitlines()
        return tuple(tuple(filter(None, _PLACEHOLDERS.split(line))) for line in lines)

    @staticmethod
    def is_placeholder(piece: str) -> bool:
        """Return whether a piece is a placeholder."""
        return _PLACEHOLDERS.fullmatch(piece) is not None

    @property
    def has_account(self) -> bool:
        """Return whether the secret has the form ``account:password``."""
        return "{account}" in self.text

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {
            "name": self.name,
            "path": self.path,
            "owner": self.owner,
            "template": bool(self.text),
            "account": self.has_account,
            "dependents": self.list_readers(steps),
        }

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.LINKS

    @property
    def image_links(self) -> tuple[tuple[str, str], ...]:
        """Return the link to the path at which container engines mount a secret."""
        return ((f"/run/secrets/{self.name}", self.path),)

    @property
    def image_group(self) -> str:
        """Return a key that is equal for all symbolic links."""
        return LINKS

    @property
    def delivered_files(self) -> tuple[StepFile, ...]:
        """Return the files that a target delivers for it."""
        return (StepFile(self.id, self.text),) if self.text else ()

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        value = f"the secret {self.name}, for {self.owner}"
        return (StepFact("files", self.path, value),)
