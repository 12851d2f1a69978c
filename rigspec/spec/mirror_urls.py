"""Mirror URLs with placeholders."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["build_archive_url", "build_mirror_url", "has_snapshots"]

_SNAPSHOT = "{snapshot}"
_ARCHIVE = "{distribution}"


def build_archive_url(mirror: str, archive: str, snapshot: str | None) -> str:
    """Return the mirror URL of an archive, without a final slash."""
    url = mirror.replace(_ARCHIVE, archive).replace(_SNAPSHOT, snapshot or _SNAPSHOT)
    return url.rstrip("/")


def build_mirror_url(url: str, mirror: str) -> str:
    """Return the URL of the same path on a mirror."""
    return mirror.rstrip("/") + urlsplit(url).path


def has_snapshots(mirror: str) -> bool:
    """Return whether a mirror URL has a placeholder for the snapshot."""
    return _SNAPSHOT in mirror
