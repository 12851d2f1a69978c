"""Cache of recent resolver results: locking twice costs little.

A result is valid as long as package indexes themselves let their pages be cached, ten minutes.
`--no-cache` or `RIGSPEC_NO_CACHE` disables it.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from rigspec.cache.store import write_entry
from rigspec.lock.python.request import ResolveRequest

__all__ = ["ResolutionCache"]

# The `Cache-Control: max-age` of the public package index, in seconds.
_GOOD_FOR_S = 600
# Variables with which a person steers an engine.
_STEERING = ("UV_", "PIP_")


class ResolutionCache:
    """Results on disk. ``fresh`` neither reads nor writes any."""

    def __init__(self, *, fresh: bool = False) -> None:
        home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        off = fresh or bool(os.environ.get("RIGSPEC_NO_CACHE")) or not os.path.isabs(home)
        self._folder = None if off else Path(home, "rigspec", "answers")

    def recall(self, engine: str, question: ResolveRequest) -> str | None:
        """Return the cached result of this request; None where there is none or it has expired."""
        if self._folder is None:
            return None
        file = self._folder / _key(engine, question)
        try:
            age = time.time() - file.stat().st_mtime
            stored = file.read_bytes()
        except OSError:
            return None
        checksum, _, text = stored.partition(b"\n")
        whole = checksum == hashlib.sha256(text).hexdigest().encode()
        return text.decode() if whole and 0 <= age <= _GOOD_FOR_S else None

    def keep(self, engine: str, question: ResolveRequest, answer: str) -> None:
        """Store a result, if it can be written; a cache never causes an error."""
        if self._folder is None:
            return
        text = answer.encode()
        checksum = hashlib.sha256(text).hexdigest().encode()
        write_entry(self._folder / _key(engine, question), checksum + b"\n" + text)


def _key(engine: str, question: ResolveRequest) -> str:
    parts = [engine, repr(question), *_cache_key_environment()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _cache_key_environment() -> Iterator[str]:
    """Yield the versions of the engines and the variables that configure them."""
    for library in ("rigspec", "uv", "resolvelib", "unearth"):
        yield f"{library} {version(library)}"
    for name, value in sorted(os.environ.items()):
        if name.startswith(_STEERING):
            yield f"{name}={value}"
