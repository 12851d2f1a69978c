"""Cache of verified indexes, by the checksum that a signature covers.

`RIGSPEC_NO_CACHE` turns it off, as it does for checks. A cache is never worth an error.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

__all__ = ["load_cached_index", "store_index"]

# Some 50 MB each: what a few distributions need, and room for what moved since.
_MOST = 24


def load_cached_index(sha256: str) -> bytes | None:
    """Return the bytes with that checksum, if the cache has them and they still match."""
    folder = _folder()
    if folder is None:
        return None
    try:
        data = (folder / sha256).read_bytes()
    except OSError:
        return None
    if hashlib.sha256(data).hexdigest() != sha256:
        return None
    with suppress(OSError):
        os.utime(folder / sha256)
    return data


def store_index(sha256: str, data: bytes) -> None:
    """Store bytes with a verified checksum, in place of the least recently used."""
    folder = _folder()
    if folder is None:
        return
    partial = folder / f".{sha256}.{os.getpid()}"
    with suppress(OSError):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            partial.write_bytes(data)
            partial.replace(folder / sha256)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        files = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime, reverse=True)
        for old in files[_MOST:]:
            old.unlink()


def _folder() -> Path | None:
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if os.environ.get("RIGSPEC_NO_CACHE") or not os.path.isabs(home):
        return None
    return Path(home, "rigspec", "apt")
