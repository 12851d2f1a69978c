"""What ``lock`` and ``compile`` do with a lock on disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rigspec.cli.console import say, show
from rigspec.cli.waiting import waiting

if TYPE_CHECKING:
    from rigspec.diagnostics.model import Diagnostic, Report
    from rigspec.lock.environments import LockSettings
    from rigspec.lock.model import Lock
    from rigspec.resolution import Resolution
    from rigspec.spec.load import LoadedSpec

__all__ = ["ensure_fresh", "fresh_lock", "locked_before", "previous_lock", "write_new_lock"]


def previous_lock(directory: Path) -> Lock | None:
    """The lock that stands there; None where there is none, or none that can be trusted."""
    from rigspec.lock.document import DamagedLock, NoLock, read_lock

    try:
        return read_lock(directory)[0]
    except (NoLock, DamagedLock):
        return None


def locked_before(directory: Path) -> Mapping[str | None, Resolution]:
    """What the lock that stands there decided for each machine."""
    lock = previous_lock(directory)
    machines = lock.machines if lock is not None else ()
    return {machine.resolution.machine: machine.resolution for machine in machines}


def fresh_lock(
    spec: LoadedSpec, reports: Sequence[Report], directory: Path, *, strict: bool
) -> tuple[Lock, str]:
    """The lock and the sha256 of its ``rig.lock``; exit status 1 where it cannot be used.

    ``strict`` refuses a lock that is only out of date in what changes no version.
    """
    from rigspec.lock.document import DamagedLock, NoLock, read_lock
    from rigspec.lock.staleness import differences

    try:
        lock, digest = read_lock(directory)
    except (NoLock, DamagedLock) as error:
        _tell(spec, [error.diagnostic])
        raise typer.Exit(1) from None
    found = differences(lock, spec.rig, _resolutions(reports))
    fatal = [d for d in found if strict or d.severity.value == "error"]
    _tell(spec, found)
    if fatal:
        raise typer.Exit(1)
    return lock, digest


def ensure_fresh(spec: LoadedSpec, reports: Sequence[Report], directory: Path) -> None:
    """Return if the lock is up to date; otherwise say what changed, with exit status 1."""
    fresh_lock(spec, reports, directory, strict=True)


def write_new_lock(
    spec: LoadedSpec,
    reports: Sequence[Report],
    directory: Path,
    *,
    kept: Lock | None,
    moving: Sequence[str],
    settings: LockSettings,
    quiet: bool,
) -> None:
    """Make the lock and write it; a failing index is exit status 3 and changes nothing.

    What ``kept`` pins stays where it can, but for what ``moving`` names; what moved is told.
    """
    from rigspec.emit.tree import TreeError, write_tree
    from rigspec.lock.changes import changes
    from rigspec.lock.document import lock_files
    from rigspec.lock.failures import LockFailure
    from rigspec.lock.make import make_lock, parts_of

    before = previous_lock(directory)
    try:
        resolutions = _resolutions(reports)
        with waiting(parts_of(resolutions), "locking", quiet=quiet) as done:
            lock = make_lock(spec.rig, resolutions, kept, moving, settings, done)
    except LockFailure as error:
        _tell(spec, [error.diagnostic])
        raise typer.Exit(error.status) from None
    files = lock_files(lock)
    try:
        write_tree(directory, files)
    except TreeError as error:
        _tell(spec, [error.diagnostic])
        raise typer.Exit(2) from None
    for file in files:
        say(f"wrote {directory / file.path}", quiet=quiet)
    if before is not None:
        moved = changes(before, lock)
        for line in moved or ("nothing moved",):
            say(line, quiet=quiet)
    for machine in lock.machines:
        for item in machine.unpinned:
            say(f"warning[RS505]: not pinned: {item.what}: {item.reason}", quiet=quiet)


def _resolutions(reports: Iterable[Report]) -> tuple[Resolution, ...]:
    return tuple(report.resolution for report in reports if report.resolution is not None)


def _tell(spec: LoadedSpec, diagnostics: Iterable[Diagnostic]) -> None:
    from rigspec.diagnostics.model import Report

    report = Report(spec.document.file, None, "", None, tuple(diagnostics))
    show(report, {spec.document.file: spec.document.text})
