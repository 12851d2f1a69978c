"""The step `certificate`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rigspec.plan.steps.base import Step, Values

__all__ = ["CertificateStep"]


@dataclass(frozen=True, kw_only=True)
class CertificateStep(Step):
    """A self-signed certificate and its key, created once on the machine.

    ``algorithm`` is ``rsa:BITS`` or ``ecdsa:CURVE``; ``days`` is the validity. Only the ``owner``
    can read the key.
    """

    kind: ClassVar[str] = "certificate"
    certificate: str
    key: str
    algorithm: str
    days: int
    owner: str

    def list_values(self, steps: tuple[Step, ...]) -> Values:
        """Return the values for the shell functions."""
        return {
            "certificate": self.certificate,
            "key": self.key,
            "algorithm": self.algorithm,
            "days": str(self.days),
            "owner": self.owner,
            "dependents": self.list_readers(steps),
        }
