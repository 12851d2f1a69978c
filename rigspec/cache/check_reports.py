"""Cache the reports of `rigspec check`.

A check is a function of the spec's bytes, the matrix and rigspec's own code. Its result is stored
under a checksum of all of these. `RIGSPEC_NO_CACHE` or `--no-cache` disables the cache.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from rigspec.diagnostics.model import Report
from rigspec.diagnostics.serialization import parse_reports, serialize_reports

__all__ = ["get_cache_path", "load_reports", "store_reports"]

_PACKAGE = Path(__file__).resolve().parent.parent


def get_cache_path(spec: str, text: bytes, machine: str | None) -> Path | None:
    """Return the cache file of this check; None if the cache is disabled or has no folder.

    Args:
        spec: the path of the spec, which its diagnostics contain.
        text: the content of the spec.
        machine: the requested machine.
    """
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if os.environ.get("RIGSPEC_NO_CACHE") or not os.path.isabs(home):
        return None
    key = hashlib.sha256(b"\0".join([os.fsencode(spec), str(machine).encode(), text]))
    for line in _fingerprint(str(_PACKAGE)):
        key.update(line.encode())
    return Path(home, "rigspec", "check", f"{key.hexdigest()}.json")


def load_reports(file: Path) -> list[Report] | None:
    """Return the cached reports; None if the file is missing or damaged."""
    try:
        stored = file.read_bytes()
    except OSError:
        return None
    checksum, _, text = stored.partition(b"\n")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    try:
        return parse_reports(text.decode())
    except (KeyError, TypeError, ValueError):
        return None


def store_reports(file: Path, reports: list[Report]) -> None:
    """Write the reports to the cache file; ignore a file system that refuses it."""
    text = serialize_reports(reports).encode()
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.touch(mode=0o600)
        partial.write_bytes(b"%08x\n%s" % (zlib.crc32(text), text))
        partial.replace(file)


def _fingerprint(folder: str) -> Iterator[str]:
    """Yield name, size and modification time of each source file and table of rigspec."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _fingerprint(entry.path)
            elif entry.name.endswith((".py", ".toml")):
                status = entry.stat()
                yield f"{entry.name} {status.st_size} {status.st_mtime_ns}\n"
