"""What ``lock`` and ``compile`` do with a lock on disk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rigspec.cli.console import progress_bar, show, status

if TYPE_CHECKING:
    from rigspec.diagnostics.model import Diagnostic, Report
    from rigspec.lock.model import Lock, LockedMachine
    from rigspec.lock.python.environment import LockSettings
    from rigspec.resolution import Resolution
    from rigspec.spec.loader import LoadedSpec

__all__ = [
    "ensure_digests",
    "ensure_fresh",
    "fresh_lock",
    "load_previous_lock",
    "locked_before",
    "report_lock_errors",
    "warn_unpinned",
    "write_new_lock",
]


def load_previous_lock(directory: Path) -> Lock | None:
    """The lock that stands there; None where there is none, or none that can be trusted."""
    from rigspec.lock.lockfile import CorruptLock, NoLock, read_lock

    try:
        return read_lock(directory)[0]
    except (NoLock, CorruptLock):
        return None


def locked_before(directory: Path) -> Mapping[str | None, Resolution]:
    """What the lock that stands there decided for each machine."""
    lock = load_previous_lock(directory)
    machines = lock.machines if lock is not None else ()
    return {machine.resolution.machine: machine.resolution for machine in machines}


def fresh_lock(
    spec: LoadedSpec, reports: Sequence[Report], directory: Path, *, strict: bool
) -> tuple[Lock, str]:
    """The lock and the sha256 of its ``rig.lock``; exit status 1 where it cannot be used.

    ``strict`` refuses a lock that is only out of date in what changes no version.
    """
    from rigspec.lock.lockfile import CorruptLock, NoLock, read_lock
    from rigspec.lock.staleness import differences

    try:
        lock, digest = read_lock(directory)
    except (NoLock, CorruptLock) as error:
        _tell(spec, [error.diagnostic])
        raise typer.Exit(1) from None
    found = differences(lock, spec.rig, _resolutions(reports))
    fatal = [d for d in found if strict or d.severity.value == "error"]
    _tell(spec, found)
    if fatal:
        raise typer.Exit(1)
    return lock, digest


def ensure_fresh(
    spec: LoadedSpec, reports: Sequence[Report], directory: Path, *, require_digests: bool
) -> None:
    """Return if the lock is up to date; otherwise say what changed, with exit status 1."""
    lock, _ = fresh_lock(spec, reports, directory, strict=True)
    if require_digests:
        ensure_digests(spec, lock.machines)


@contextmanager
def report_lock_errors(spec: LoadedSpec) -> Iterator[None]:
    """What cannot be fetched or written is told, and its exit status is taken."""
    from rigspec.fs.atomic_tree import TreeError
    from rigspec.lock.errors import LockError

    try:
        yield
    except LockError as error:
        _tell(spec, [error.told(spec.document)])
        raise typer.Exit(error.status) from None
    except TreeError as error:
        _tell(spec, [error.diagnostic])
        raise typer.Exit(2) from None


def write_new_lock(
    spec: LoadedSpec,
    reports: Sequence[Report],
    directory: Path,
    *,
    kept: Lock | None,
    moving: Sequence[str],
    settings: LockSettings,
    require_digests: bool,
    quiet: bool,
) -> None:
    """Make the lock and write it; a failing index is exit status 3 and changes nothing.

    What ``kept`` pins stays where it can, but for what ``moving`` names; what moved is told.
    ``require_digests`` refuses a lock without them, with exit status 1.
    """
    from rigspec.fs.atomic_tree import write_tree_atomically
    from rigspec.lock.create import create_lock, environment_labels
    from rigspec.lock.diff import lock_diff
    from rigspec.lock.digests import unverified_downloads
    from rigspec.lock.lockfile import lock_files

    before = load_previous_lock(directory)
    warnings: list[Diagnostic] = []
    resolutions = _resolutions(reports)
    parts = progress_bar(environment_labels(resolutions), "locking", quiet=quiet)
    with report_lock_errors(spec), parts as done:
        lock = create_lock(spec.rig, resolutions, kept, moving, settings, done, warnings.append)
    if not quiet:
        _tell(spec, dict.fromkeys([*warnings, *unverified_downloads(lock)]))
    if require_digests:
        ensure_digests(spec, lock.machines)
    files = lock_files(lock)
    with report_lock_errors(spec):
        write_tree_atomically(directory, files)
    for file in files:
        status(f"wrote {directory / file.path}", quiet=quiet)
    if before is not None:
        moved = lock_diff(before, lock)
        for line in moved or ("nothing moved",):
            status(line, quiet=quiet)
    warn_unpinned(lock.machines, quiet=quiet)


def ensure_digests(spec: LoadedSpec, machines: Iterable[LockedMachine]) -> None:
    """Exit status 1 unless the base image and every download of the machines have a digest."""
    from rigspec.lock.digests import missing_digests

    missing = tuple(missing_digests(spec, machines))
    _tell(spec, missing)
    if missing:
        raise typer.Exit(1)


def warn_unpinned(machines: Iterable[LockedMachine], *, quiet: bool) -> None:
    """A warning for each thing that the lock leaves open."""
    for machine in machines:
        for item in machine.unpinned:
            status(f"warning[RS505]: not pinned: {item.what}: {item.reason}", quiet=quiet)


def _resolutions(reports: Iterable[Report]) -> tuple[Resolution, ...]:
    return tuple(report.resolution for report in reports if report.resolution is not None)


def _tell(spec: LoadedSpec, diagnostics: Iterable[Diagnostic]) -> None:
    from rigspec.diagnostics.model import Report

    report = Report(spec.document.file, None, "", None, tuple(diagnostics))
    show(report, {spec.document.file: spec.document.text})
