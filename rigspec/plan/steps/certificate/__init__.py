"""The step `certificate`."""

from __future__ import annotations

from typing import ClassVar

from rigspec.frozen import dataclass
from rigspec.plan.steps.base import LINKS, ImagePhase, Step, StepFact, Values

__all__ = ["CertificateStep"]

# The names of elliptic curves in OpenSSL.
_CURVES = {"p256": "prime256v1", "p384": "secp384r1"}


@dataclass(frozen=True, kw_only=True)
class CertificateStep(Step):
    """A self-signed certificate and its key, created once on the machine.

    ``algorithm`` is ``rsa:BITS`` or ``ecdsa:CURVE``; ``days`` is the validity. Only the ``owner``
    can read the key.
    """

    kind: ClassVar[str] = "certificate"
    summary: ClassVar[str] = "creates a certificate and its key on the machine"
    in_image: ClassVar[str] = "at start"
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

    def list_words(self) -> tuple[str, ...]:
        """Return the options of ``openssl req`` for the key."""
        return self.key_options

    @property
    def key_options(self) -> tuple[str, ...]:
        """Return the options of ``openssl req`` for the key."""
        kind, size = self.algorithm.split(":")
        if kind == "rsa":
            return ("-newkey", self.algorithm)
        curve = f"ec_paramgen_curve:{_CURVES[size]}"
        return ("-newkey", "ec", "-pkeyopt", curve, "-pkeyopt", "ec_param_enc:named_curve")

    @property
    def image_phase(self) -> ImagePhase:
        """Return its place in an image."""
        return ImagePhase.LINKS

    @property
    def image_links(self) -> tuple[tuple[str, str], ...]:
        """Return the links to the directory of the certificate, which is a volume."""
        paths = (self.key, self.certificate)
        return tuple((f"/var/lib/rig/{self.id}/{path.rpartition('/')[2]}", path) for path in paths)

    @property
    def image_group(self) -> str:
        """Return a key that is equal for all symbolic links."""
        return LINKS

    @property
    def facts(self) -> tuple[StepFact, ...]:
        """Return what is compared between machines."""
        value = f"{self.algorithm} for {self.days} days, for {self.owner}"
        return (StepFact("files", self.certificate, value),)
