"""What an archive or an installer put into a folder that others use, as the installer noted it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rigspec.doctor.host import Expectation, ProbeError, compare, read_text
from rigspec.doctor.model import Item
from rigspec.plan.steps import Archive, Installer

__all__ = ["contents"]

_NOTES = "/var/lib/rig/owned"
_WHOLE = "as it was unpacked"


def contents(step: Archive | Installer) -> Iterator[Item]:
    """Whether every file that came is still the one that came; nothing where no notes are."""
    try:
        shared = (read_text(f"{_NOTES}/shared") or "").splitlines()
        notes = read_text(f"{_NOTES}/contents.{step.id}")
    except ProbeError:
        return
    folder = next((line.partition(" ")[2] for line in shared if line.startswith(f"{step.id} ")), "")
    if folder and notes:
        promise = Expectation(step.part, folder, f"contents ({step.id})", _WHOLE, step.id)
        yield compare(promise, partial(_state, Path(folder), notes.splitlines()))


def _state(folder: Path, notes: list[str]) -> str:
    other = [line.split("\t", 2)[2] for line in notes if not _same(folder, line)]
    if not other:
        return _WHOLE
    more = f" and {len(other) - 1} more" if len(other) > 1 else ""
    return f"changed or gone: {other[0]}{more}"


def _same(folder: Path, note: str) -> bool:
    """A line of notes is the size, the time of the last change and the path of a file."""
    size, changed, path = note.split("\t", 2)
    try:
        found = os.lstat(folder / path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ProbeError(f"{folder / path}: {error.strerror}") from None
    seconds, nanoseconds = divmod(found.st_mtime_ns, 10**9)
    return (str(found.st_size), changed[:20]) == (size, f"{seconds}.{nanoseconds:09d}")
