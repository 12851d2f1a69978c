"""Steps for groups, accounts, access to directories, and quotas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rigspec.plan.steps.base import Scope, Step

__all__ = ["AccessStep", "GroupStep", "QuotaStep", "UserStep"]


@dataclass(frozen=True, kw_only=True)
class GroupStep(Step):
    """A group. ``members`` are all its members; with None, they are not changed."""

    kind: ClassVar[str] = "group"
    name: str
    members: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class AccessStep(Step):
    """The ``owner`` (``user:group``) and ``mode`` of a directory of the rig."""

    kind: ClassVar[str] = "access"
    path: str
    owner: str
    mode: str


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


@dataclass(frozen=True, kw_only=True)
class QuotaStep(Step):
    """The disk quota of an account on the file system of its home directory.

    ``kib`` is in blocks of 1024 bytes; ``limit`` is the value in the spec. If quotas are not
    enabled, the target reports it.
    """

    kind: ClassVar[str] = "quota"
    scope: ClassVar[Scope] = Scope.HOST
    user: str
    limit: str
    kib: int
