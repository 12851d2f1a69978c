"""The step `user`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import Step, StepFact, StepFile, Values, compute_digest

__all__ = ["UserStep"]


@dataclass(frozen=True, kw_only=True)
class UserStep(Step):
    """A login account with SSH keys and no password.

    ``files`` are paths in the home directory, which an existing account gets from ``/etc/skel``
    unless it already has them.
    """

    kind: ClassVar[str] = "user"
    summary: ClassVar[str] = "creates an account with its keys"
    in_image: ClassVar[str] = "optional"
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

    @property
    def delivered_files(self) -> tuple[StepFile, ...]:
        """Return the files that a target delivers for it."""
        keys = "".join(f"{key}\n" for key in self.ssh_keys)
        return (StepFile(self.id, keys),) if self.ssh_keys else ()

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        groups = ", ".join(self.groups) or "no groups"
        keys = compute_digest("\n".join(sorted(self.ssh_keys))) if self.ssh_keys else ""
        return (StepFact("users", self.name, f"{groups}, {len(self.ssh_keys)} ssh keys", keys),)
