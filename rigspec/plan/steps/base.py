"""The base class of steps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar

__all__ = ["Scope", "Step"]


class Scope(str, Enum):
    """The scope of a step: the running host and its kernel, a file tree, or login sessions."""

    HOST = "host"
    IMAGE = "image"
    SESSION = "session"


@dataclass(frozen=True, kw_only=True)
class Step:
    """A step of a plan.

    ``id`` is unique in the plan and matches ``[a-z0-9-]+``. ``title`` is a noun phrase of at most
    40 characters, unless a name in it is long. ``needs`` are ids of earlier steps. ``layer`` is the
    layer of the rig (``driver``, ``cuda``, ``env``…): manifests support or exclude steps by kind or
    by layer.
    """

    kind: ClassVar[str]
    scope: ClassVar[Scope] = Scope.IMAGE
    id: str
    title: str
    layer: str
    needs: tuple[str, ...] = ()
