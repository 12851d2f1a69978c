"""Addresses of ``[mirrors]`` that hold places to be filled."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["archive_url", "has_snapshots", "moved_url"]

_SNAPSHOT = "{snapshot}"
_ARCHIVE = "{distribution}"


def archive_url(mirror: str, archive: str, snapshot: str | None) -> str:
    """A mirror's address with its places filled, without a slash at its end."""
    filled = mirror.replace(_ARCHIVE, archive).replace(_SNAPSHOT, snapshot or _SNAPSHOT)
    return filled.rstrip("/")


def moved_url(url: str, mirror: str) -> str:
    """An address on a mirror of its server: the path stays."""
    return mirror.rstrip("/") + urlsplit(url).path


def has_snapshots(mirror: str) -> bool:
    """Whether a mirror's address wants a moment."""
    return _SNAPSHOT in mirror
