"""Check files: content, owner and mode."""

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
    read_file_attributes,
    read_text,
)
from rigspec.doctor.model import Item, Status
from rigspec.plan.steps import (
    AccessStep,
    ArchiveStep,
    DownloadStep,
    FileStep,
    InstallerStep,
    SecretStep,
    SourceBuildStep,
    Step,
)

__all__ = [
    "check_access",
    "check_attributes",
    "check_contents",
    "check_download",
    "check_file",
    "check_private_file",
    "check_secret",
    "check_unpacked_files",
    "compute_content_digest",
]

_ROOT = "root:root"


def check_file(step: FileStep) -> Iterator[Item]:
    """Check a file of the rig."""
    yield from check_attributes(
        step.layer,
        step.path,
        step.id,
        sha256=compute_content_digest(step.content),
        owner=step.owner,
        mode=step.mode,
    )


def check_access(step: AccessStep) -> Iterator[Item]:
    """Check the owner and mode of a directory."""
    yield from check_attributes(step.layer, step.path, step.id, owner=step.owner, mode=step.mode)


def check_download(step: DownloadStep) -> Iterator[Item]:
    """Check a downloaded file."""
    sha256 = step.file.sha256
    yield from check_attributes(
        step.layer, step.to, step.id, sha256=sha256, owner=_ROOT, mode=step.mode
    )


def check_unpacked_files(step: ArchiveStep | InstallerStep | SourceBuildStep) -> Iterator[Item]:
    """Check the files that an archive or an installer created, as far as they are recorded."""
    expectation = Expectation(step.layer, step.creates, "presence", "present", step.id)
    yield compare(
        expectation,
        lambda: "present" if read_file_attributes(step.creates, content=False) else None,
    )
    yield from check_contents(step)


def check_secret(step: SecretStep) -> Iterator[Item]:
    """Check the file of a secret, without comparing the secret itself."""
    yield from check_private_file(step, step.path, step.owner)
    if step.text:
        expected = compute_content_digest(_without_secret(step, step.text))
        expectation = Expectation(step.layer, step.path, "text", expected, step.id)
        yield compare(expectation, lambda: _digest_without_secret(step))


def _digest_without_secret(step: SecretStep) -> str | None:
    text = read_text(step.path)
    return None if text is None else compute_content_digest(_without_secret(step, text))


def _without_secret(step: SecretStep, text: str) -> str:
    """Return the lines that do not contain the secret."""
    hidden = {i for i, line in enumerate(step.lines) if any(map(step.is_placeholder, line))}
    return "\n".join(line for i, line in enumerate(text.splitlines()) if i not in hidden)


def check_private_file(step: Step, path: str, owner: str) -> Iterator[Item]:
    """Check a file that only its owner may read."""
    yield from check_attributes(step.layer, path, step.id, owner=f"{owner}:root", mode="0400")


def check_attributes(
    layer: str, path: str, step: str, *, owner: str, mode: str, sha256: str | None = None
) -> Iterator[Item]:
    """Check the digest (if given), owner and mode of a path.

    If the path is missing or not readable, only one item is reported.
    """
    properties: list[tuple[str, str, Callable[[Attributes], str]]] = [
        ("owner", owner, lambda attributes: attributes.owner),
        ("mode", mode.rjust(4, "0"), lambda attributes: attributes.mode),
    ]
    if sha256 is not None:
        properties.insert(0, ("sha256", sha256, lambda attributes: attributes.sha256))
    for aspect, expected, select in properties:
        item = compare(
            Expectation(layer, path, aspect, expected, step), _probe(path, select, sha256)
        )
        yield item
        if item.status in (Status.MISSING, Status.UNKNOWN):
            return


def _probe(
    path: str, select: Callable[[Attributes], str], sha256: str | None
) -> Callable[[], str | None]:
    def probe() -> str | None:
        attributes = read_file_attributes(path, content=sha256 is not None)
        return None if attributes is None else select(attributes)

    return probe


def compute_content_digest(text: str) -> str:
    """Return the sha256 of the text of a file."""
    return hashlib.sha256(text.encode()).hexdigest()


_RECORDS = "/var/lib/rig/owned"
_UNCHANGED = "unchanged"


def check_contents(step: ArchiveStep | InstallerStep | SourceBuildStep) -> Iterator[Item]:
    """Check that the recorded files are unchanged; skipped without records."""
    try:
        shared = (read_text(f"{_RECORDS}/shared") or "").splitlines()
        records = read_text(f"{_RECORDS}/contents.{step.id}")
    except ProbeError:
        return
    folder = next((line.partition(" ")[2] for line in shared if line.startswith(f"{step.id} ")), "")
    if folder and records:
        expectation = Expectation(step.layer, folder, f"contents ({step.id})", _UNCHANGED, step.id)
        yield compare(expectation, partial(_find_changes, Path(folder), records.splitlines()))


def _find_changes(folder: Path, records: list[str]) -> str:
    changed = [line.split("\t", 2)[2] for line in records if not _is_unchanged(folder, line)]
    if not changed:
        return _UNCHANGED
    more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"changed or missing: {changed[0]}{more}"


def _is_unchanged(folder: Path, record: str) -> bool:
    """Return whether a file has the recorded size and modification time."""
    size, modified, path = record.split("\t", 2)
    try:
        status = os.lstat(folder / path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ProbeError(f"{folder / path}: {error.strerror}") from None
    seconds, nanoseconds = divmod(status.st_mtime_ns, 10**9)
    return (str(status.st_size), modified[:20]) == (size, f"{seconds}.{nanoseconds:09d}")
