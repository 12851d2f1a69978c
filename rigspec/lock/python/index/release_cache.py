"""Cache of the files of releases: the page of an index is read once for each release.

The names of files and the Pythons that they support do not change with the same checksums. A
release is found under the checksums of all its files, as a resolver has just read them.
`--no-cache` or `RIGSPEC_NO_CACHE` disables it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rigspec.lock.python.index.listed_files import PAGE_ERRORS, ListedFile
from rigspec.lock.python.requirements_file import HashedPin

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = ["ReleaseCache"]

# The number is that of the format.
_FILE = "releases-1.db"
_TABLE = "CREATE TABLE IF NOT EXISTS releases (key TEXT PRIMARY KEY, files TEXT)"
_RECALL = "SELECT files FROM releases WHERE key = ?"
_KEEP = "INSERT OR REPLACE INTO releases VALUES (?, ?)"
# Beyond this number, the oldest are removed.
_MAX_RELEASES = 20_000
_PRUNE = "DELETE FROM releases WHERE rowid <= (SELECT max(rowid) FROM releases) - ?"
# Another process writes for milliseconds.
_WAIT_S = 2.0


class ReleaseCache:
    """Releases on disk. ``fresh`` neither reads nor writes any."""

    def __init__(self, *, fresh: bool = False) -> None:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        off = fresh or bool(os.environ.get("RIGSPEC_NO_CACHE")) or not os.path.isabs(home)
        self._file = None if off else Path(home, "rigspec", _FILE)

    def recall(
        self, indexes: Sequence[str], pins: Sequence[HashedPin]
    ) -> dict[HashedPin, tuple[ListedFile, ...]]:
        """Return the files of those pins that are in the cache."""
        texts: list[tuple[HashedPin, str]] = []

        def read(connection: Connection) -> None:
            for pin in pins:
                row = connection.execute(_RECALL, (_key(indexes, pin),)).fetchone()
                if row is not None:
                    texts.append((pin, row[0]))

        self._use(read)
        found = {}
        for pin, text in texts:
            with suppress(*PAGE_ERRORS):
                found[pin] = tuple(_parse(text))
        return found

    def keep(
        self, indexes: Sequence[str], releases: Mapping[HashedPin, Sequence[ListedFile]]
    ) -> None:
        """Store the files of pins, if they can be written; a cache never causes an error."""
        rows = [
            (_key(indexes, pin), json.dumps(files))
            for pin, files in releases.items()
            if _is_complete(pin, files) and not any(map(_has_secret, files))
        ]

        def write(connection: Connection) -> None:
            with connection:
                connection.executemany(_KEEP, rows)
                connection.execute(_PRUNE, (_MAX_RELEASES,))

        self._use(write)

    def _use(self, work: Callable[[Connection], None]) -> None:
        """Do some work with the database; leave it undone if that cannot be read or written."""
        import sqlite3

        if self._file is None:
            return
        with suppress(OSError, sqlite3.Error):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.touch(mode=0o600)
            with closing(sqlite3.connect(self._file, timeout=_WAIT_S)) as connection:
                connection.execute(_TABLE)
                work(connection)


def _key(indexes: Sequence[str], pin: HashedPin) -> str:
    parts = (*indexes, pin.name, str(pin.version), *sorted(pin.sha256))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _parse(text: str) -> Iterator[ListedFile]:
    for filename, url, page, python, yanked, hashes, uploaded in json.loads(text):
        checksums = tuple([(name, value) for name, value in hashes])
        yield ListedFile(filename, url, page, python, yanked, checksums, uploaded)


def _is_complete(pin: HashedPin, files: Sequence[ListedFile]) -> bool:
    """Return whether the checksums of a pin are those of all files, and of no other."""
    return bool(files) and pin.sha256 == {dict(file.hashes).get("sha256") for file in files}


def _has_secret(file: ListedFile) -> bool:
    """Return whether an address of a file may contain a password or a token."""
    return any("@" in parts.netloc or parts.query for parts in map(urlsplit, (file.url, file.page)))
