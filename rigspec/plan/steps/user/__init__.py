"""The step `user`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rigspec.plan.steps.base import Step, Values

__all__ = ["UserStep"]


@dataclass(frozen=True, kw_only=True)
class UserStep(Step):
    """A login account with SSH keys and no password.

    ``files`` are paths in the home directory, which an existing account gets from ``/etc/skel``
    unless it already has them.
    """

    kind: ClassVar[str] = "user"
    name: str
    groups: tuple[str, ...] = ()
    ssh_keys: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {
            "name": self.name,
            "groups": " ".join(self.groups) or None,
            "keys": bool(self.ssh_keys),
        }

    def list_words(self) -> tuple[str, ...]:
        """Return the files that an existing account gets from ``/etc/skel``."""
        return self.files
