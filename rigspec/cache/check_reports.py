"""What was checked before, and has not changed since, is not checked again.

A check is a function of the spec's bytes, of the matrix and of rigspec itself; its outcome is kept
under a checksum of all of these, as linters do. `RIGSPEC_NO_CACHE` or `--no-cache` turns it off.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rigspec.diagnostics.model import Report

__all__ = ["cache_file", "load", "store"]

_PACKAGE = Path(__file__).resolve().parent.parent


def cache_file(spec: str, text: bytes, machine: str | None) -> Path | None:
    """Where the outcome of this very check is kept; None where there is no place for a cache."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    if os.environ.get("RIGSPEC_NO_CACHE") or not os.path.isabs(home):
        return None
    import hashlib

    key = hashlib.sha256(b"\0".join([os.fsencode(spec), str(machine).encode(), text]))
    for line in _fingerprint(str(_PACKAGE)):
        key.update(line.encode())
    return Path(home, "rigspec", "check", f"{key.hexdigest()}.json")


def load(file: Path) -> list[Report] | None:
    """The reports kept there; None where there are none that can be read."""
    try:
        stored = file.read_bytes()
    except OSError:
        return None
    from rigspec.diagnostics.serialization import parse_reports

    checksum, _, text = stored.partition(b"\n")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    try:
        return parse_reports(text.decode())
    except (KeyError, TypeError, ValueError):
        return None


def store(file: Path, reports: list[Report]) -> None:
    """Keep the reports there, if it can be written to; a cache is never worth an error."""
    from rigspec.diagnostics.serialization import serialize_reports

    text = serialize_reports(reports).encode()
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.touch(mode=0o600)
        partial.write_bytes(b"%08x\n%s" % (zlib.crc32(text), text))
        partial.replace(file)


def _fingerprint(folder: str) -> Iterator[str]:
    """Name, size and time of every file that rigspec consists of."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.is_dir():
                if entry.name != "__pycache__":
                    yield from _fingerprint(entry.path)
            elif entry.name.endswith((".py", ".toml")):
                status = entry.stat()
                yield f"{entry.name} {status.st_size} {status.st_mtime_ns}\n"
