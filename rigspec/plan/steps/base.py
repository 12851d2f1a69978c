"""What every step has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

__all__ = ["Scope", "Step"]


class Scope(str, Enum):
    """What a step changes: the running host and its kernel, a file tree, or a log-in session."""

    HOST = "host"
    IMAGE = "image"
    SESSION = "session"


@dataclass(frozen=True, kw_only=True)
class Step:
    """``id`` is unique in its plan, made of ``[a-z0-9-]``; ``needs`` are ids of earlier steps.

    ``part`` is the layer of the rig it belongs to (``driver``, ``cuda``, ``env``…): a backend's
    manifest takes or leaves steps by kind or by part.
    """

    kind: ClassVar[str]
    scope: ClassVar[Scope] = Scope.IMAGE
    id: str
    title: str
    part: str
    needs: tuple[str, ...] = ()
