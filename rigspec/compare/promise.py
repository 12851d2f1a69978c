"""One thing that a machine gets, as far as two machines can be held against each other by it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

__all__ = ["ComparedItem", "fingerprint"]

_SHORT = 12


@dataclass(frozen=True)
class ComparedItem:
    """``value`` is what a person compares, ``content`` a checksum of what stands behind it.

    ``part`` is the layer of the rig that asks for it; ``about`` the component of the resolver that
    decided it, where one did.
    """

    layer: str
    name: str
    value: str
    content: str = ""
    part: str = ""
    about: str = ""

    @property
    def shown(self) -> str:
        """As much of the checksum as a reader compares; the value where there is none."""
        return f"sha256 {self.content[:_SHORT]}" if self.content else self.value


def fingerprint(content: str | bytes) -> str:
    """The sha256 of a content, in hex."""
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()
