"""Files that the rig puts somewhere: content, owner and mode."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from rigspec.doctor.expectation import (
    Attributes,
    Expectation,
    ProbeError,
    compare,
    file_attributes,
    read_text,
)
from rigspec.doctor.model import Item, Status
from rigspec.plan.steps import Access, Archive, Download, File, Installer, Secret, Step

__all__ = [
    "access",
    "attributes_of",
    "content_digest",
    "contents",
    "download",
    "file",
    "private_file",
    "secret",
    "unpacked_files",
]

_ROOT = "root:root"


def file(step: File) -> Iterator[Item]:
    """A text file of the rig."""
    yield from attributes_of(
        step.layer,
        step.path,
        step.id,
        sha256=content_digest(step.content),
        owner=step.owner,
        mode=step.mode,
    )


def access(step: Access) -> Iterator[Item]:
    """Who may enter a folder."""
    yield from attributes_of(step.layer, step.path, step.id, owner=step.owner, mode=step.mode)


def download(step: Download) -> Iterator[Item]:
    """A file that was fetched."""
    sha256 = step.file.sha256
    yield from attributes_of(
        step.layer, step.to, step.id, sha256=sha256, owner=_ROOT, mode=step.mode
    )


def unpacked_files(step: Archive | Installer) -> Iterator[Item]:
    """What an archive or an installer leaves behind: each file, where it is written down."""
    promise = Expectation(step.layer, step.creates, "presence", "there", step.id)
    yield compare(
        promise, lambda: "there" if file_attributes(step.creates, content=False) else None
    )
    yield from contents(step)


def secret(step: Secret) -> Iterator[Item]:
    """A secret is where it belongs, for one to read; what it is nobody looks at, only at the lines
    around it.
    """
    yield from private_file(step, step.path, step.owner)
    if step.text:
        expected = content_digest(_around(step, step.text))
        promise = Expectation(step.layer, step.path, "text", expected, step.id)
        yield compare(promise, lambda: _digest_around(step))


def _digest_around(step: Secret) -> str | None:
    found = read_text(step.path)
    return None if found is None else content_digest(_around(step, found))


def _around(step: Secret, found: str) -> str:
    """The lines of what was found, less those in which the secret stands."""
    hidden = {i for i, line in enumerate(step.lines) if any(map(step.is_placeholder, line))}
    return "\n".join(line for i, line in enumerate(found.splitlines()) if i not in hidden)


def private_file(step: Step, path: str, owner: str) -> Iterator[Item]:
    """A file that nobody reads but its owner."""
    yield from attributes_of(step.layer, path, step.id, owner=f"{owner}:root", mode="0400")


def attributes_of(
    layer: str, path: str, step: str, *, owner: str, mode: str, sha256: str | None = None
) -> Iterator[Item]:
    """What a path is held to: its content where a digest is given, its owner and its mode.

    Of a path that is not there, or cannot be looked at, only the first is told.
    """
    promises: list[tuple[str, str, Callable[[Attributes], str]]] = [
        ("owner", owner, lambda found: found.owner),
        ("mode", mode.rjust(4, "0"), lambda found: found.mode),
    ]
    if sha256 is not None:
        promises.insert(0, ("sha256", sha256, lambda found: found.sha256))
    for aspect, expected, choose in promises:
        item = compare(
            Expectation(layer, path, aspect, expected, step), _look(path, choose, sha256)
        )
        yield item
        if item.status in (Status.MISSING, Status.UNKNOWN):
            return


def _look(
    path: str, choose: Callable[[Attributes], str], sha256: str | None
) -> Callable[[], str | None]:
    def look() -> str | None:
        found = file_attributes(path, content=sha256 is not None)
        return None if found is None else choose(found)

    return look


def content_digest(text: str) -> str:
    """The sha256 of a text as it stands in a file."""
    return hashlib.sha256(text.encode()).hexdigest()


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
        promise = Expectation(step.layer, folder, f"contents ({step.id})", _WHOLE, step.id)
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
