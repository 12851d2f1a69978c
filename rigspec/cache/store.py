"""Results that depend only on their input, the matrix and rigspec's own code.

Each is a file, with a checksum of its text, under a checksum of all that it depends on.
`RIGSPEC_NO_CACHE` disables the store.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

__all__ = ["get_entry_path", "load_entry", "store_entry", "write_entry"]

# Entries of one kind: beyond the first number, the oldest are removed until the second remains.
_MAX_ENTRIES, _KEPT_ENTRIES = 2000, 1000

_PACKAGE = Path(__file__).resolve().parent.parent


def get_entry_path(kind: str, *parts: bytes) -> Path | None:
    """Return the file of a result; None if the store is disabled or has no folder.

    Args:
        kind: the name of the folder.
        parts: all input of the result.
    """
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if os.environ.get("RIGSPEC_NO_CACHE") or not os.path.isabs(home):
        return None
    key = hashlib.sha256(b"\0".join(parts))
    for line in _fingerprint(str(_PACKAGE)):
        key.update(line.encode())
    return Path(home, "rigspec", kind, f"{key.hexdigest()}.json")


def load_entry(file: Path) -> str | None:
    """Return the stored text; None if the file is missing or damaged."""
    try:
        stored = file.read_bytes()
    except OSError:
        return None
    checksum, _, text = stored.partition(b"\n")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    return text.decode(errors="replace")


def store_entry(file: Path, content: str) -> None:
    """Write the text; ignore a file system that refuses it."""
    text = content.encode()
    write_entry(file, b"%08x\n%s" % (zlib.crc32(text), text))


def write_entry(file: Path, content: bytes) -> None:
    """Write a file of a cache, and remove the oldest ones; a cache never causes an error.

    A run that was killed leaves a partial file, which is removed as an old one later.
    """
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    with suppress(OSError):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            partial.touch(mode=0o600)
            partial.write_bytes(content)
            partial.replace(file)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        _prune(file.parent)


def _prune(folder: Path) -> None:
    """Remove the oldest entries of a folder that has too many."""
    with os.scandir(folder) as entries:
        found = list(entries)
    if len(found) <= _MAX_ENTRIES:
        return
    found.sort(key=lambda entry: entry.stat().st_mtime_ns)
    for entry in found[:-_KEPT_ENTRIES]:
        with suppress(OSError):
            os.unlink(entry.path)


def _fingerprint(folder: str) -> Iterator[str]:
    """Yield name, size and modification time of each source file and table of rigspec."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _fingerprint(entry.path)
            elif entry.name.endswith((".py", ".toml")):
                # An editor's or another process's file can be gone again.
                with suppress(FileNotFoundError):
                    status = entry.stat()
                    yield f"{entry.name} {status.st_size} {status.st_mtime_ns}\n"
