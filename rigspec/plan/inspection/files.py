"""Check files: content, owner and mode."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from rigspec.plan.inspection.expectation import (
    Attributes,
    Expectation,
    ProbeError,
    compare,
    read_file_attributes,
    read_text,
)
from rigspec.plan.inspection.findings import Finding, Status
from rigspec.plan.steps.archive import ArchiveStep
from rigspec.plan.steps.base import Step
from rigspec.plan.steps.installer import InstallerStep
from rigspec.plan.steps.source_build import SourceBuildStep

__all__ = [
    "check_attributes",
    "check_private_file",
    "check_unpacked_files",
]


def check_unpacked_files(step: ArchiveStep | InstallerStep | SourceBuildStep) -> Iterator[Finding]:
    """Check the files that an archive or an installer created, as far as they are recorded."""
    expectation = Expectation(step.layer, step.creates, "presence", "present", step.id)
    yield compare(
        expectation,
        lambda: "present" if read_file_attributes(step.creates, content=False) else None,
    )
    yield from _check_contents(step)


def check_private_file(step: Step, path: str, owner: str) -> Iterator[Finding]:
    """Check a file that only its owner may read."""
    yield from check_attributes(step.layer, path, step.id, owner=f"{owner}:root", mode="0400")


def check_attributes(
    layer: str, path: str, step: str, *, owner: str, mode: str, sha256: str | None = None
) -> Iterator[Finding]:
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


_RECORDS = "/var/lib/rig/owned"
_UNCHANGED = "unchanged"


def _check_contents(step: ArchiveStep | InstallerStep | SourceBuildStep) -> Iterator[Finding]:
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
