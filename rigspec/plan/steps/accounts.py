"""Steps for who works on the machine: groups, accounts, what they may enter and fill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rigspec.plan.steps.base import Scope, Step

__all__ = ["Access", "Group", "Quota", "User"]


@dataclass(frozen=True, kw_only=True)
class Group(Step):
    """A group of accounts. ``members`` are all there shall be; None leaves that to others."""

    kind: ClassVar[str] = "group"
    name: str
    members: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Access(Step):
    """Who may enter a folder of the rig: its ``owner`` (``user:group``) and ``mode``."""

    kind: ClassVar[str] = "access"
    path: str
    owner: str
    mode: str


@dataclass(frozen=True, kw_only=True)
class User(Step):
    """A log-in account; no password, only keys.

    ``files`` are paths below the home. An account that was there before new ones got them gets
    each from ``/etc/skel``, unless it has one.
    """

    kind: ClassVar[str] = "user"
    name: str
    groups: tuple[str, ...] = ()
    ssh_keys: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Quota(Step):
    """How much of the disk with its home an account may fill: ``kib`` blocks of 1024 bytes, which
    the spec writes as ``limit``. Where nothing enforces it, that is said.
    """

    kind: ClassVar[str] = "quota"
    scope: ClassVar[Scope] = Scope.HOST
    user: str
    limit: str
    kib: int
