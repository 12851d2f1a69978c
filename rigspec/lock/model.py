"""The lock as values. ``lock/document.py`` reads and writes them."""

from __future__ import annotations

from dataclasses import dataclass

from rigspec.resolution import Resolution

__all__ = ["Lock", "LockedEnv", "LockedFile", "LockedMachine", "LockedRepository", "Unpinned"]


@dataclass(frozen=True)
class LockedFile:
    """A download: ``name`` is the file's own name, ``pinned_by`` says who vouches for the hash
    (``matrix``, ``spec`` or ``lock``: taken when the lock was made)."""

    name: str
    url: str
    sha256: str
    pinned_by: str
    size: int | None = None


@dataclass(frozen=True)
class LockedRepository:
    """An apt repository beside the distribution's own, and the key that signs it."""

    name: str
    url: str
    suite: str
    components: tuple[str, ...]
    key_url: str
    key_fingerprint: str


@dataclass(frozen=True)
class LockedEnv:
    """A Python environment: two hash-pinned requirements files in pip-tools' form.

    ``requirements`` holds everything the environment installs, ``tools`` pip, setuptools and
    wheel. Both are file contents; on disk they stand beside ``rig.lock`` and it holds their
    sha256. ``engine`` says what resolved them.
    """

    name: str
    engine: str
    requirements: str
    tools: str


@dataclass(frozen=True)
class Unpinned:
    """What the lock could not pin, and why: said aloud by ``lock`` and ``compile``."""

    what: str
    reason: str


@dataclass(frozen=True)
class LockedMachine:
    """One machine's part: what was resolved, and the bytes that make it."""

    resolution: Resolution
    files: tuple[LockedFile, ...] = ()
    repositories: tuple[LockedRepository, ...] = ()
    packages: tuple[tuple[str, str], ...] = ()  # apt package name, exact version
    envs: tuple[LockedEnv, ...] = ()
    unpinned: tuple[Unpinned, ...] = ()


@dataclass(frozen=True)
class Lock:
    """A whole ``rig.lock``. The digests are sha256 in hex, of the spec's meaning (not its
    comments or order) and of the matrix tables that were read."""

    rig: str
    spec_digest: str
    matrix_digest: str
    machines: tuple[LockedMachine, ...]
