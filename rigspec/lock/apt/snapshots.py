"""The moment at which a distribution's snapshots have the locked packages."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator, Sequence

from rigspec.lock.apt.archive import read_release
from rigspec.lock.model import LockedArchive
from rigspec.spec.mirror_urls import build_archive_url

__all__ = ["find_snapshot", "find_snapshot_in"]


def find_snapshot(archives: Sequence[LockedArchive], since: str | None) -> str | None:
    """Return the midnight after the newest of the archives was released, by its own date.

    Snapshots of that moment have this state, or one that is newer by less than a day. None where
    the distribution, which has snapshots ``since`` a day, has none.
    """
    newest = max(archive.released for archive in archives)
    if since is None or newest < since:
        return None
    return f"{dt.datetime.fromisoformat(newest[:10]) + dt.timedelta(days=1):%Y%m%d}T000000Z"


def find_snapshot_in(
    mirror: str, archives: Sequence[LockedArchive], since: str | None
) -> str | None:
    """Return the moment at which a mirror of snapshots has these indexes byte for byte; None where
    it lacks them. Raises LockError.
    """
    midnight = find_snapshot(archives, since)
    for moment in (*_moments(archives), midnight):
        if moment is not None and all(_same(mirror, each, moment) for each in archives):
            return moment
    return None


def _moments(archives: Sequence[LockedArchive]) -> Iterator[str]:
    newest = max(archive.released for archive in archives)
    yield newest.replace("-", "").replace(":", "")


def _same(mirror: str, archive: LockedArchive, moment: str) -> bool:
    root = build_archive_url(mirror, archive.distribution, moment)
    data = read_release(root, archive.suite, f"the snapshot of {archive.name}")
    return data is not None and hashlib.sha256(data).hexdigest() == archive.release_sha256
