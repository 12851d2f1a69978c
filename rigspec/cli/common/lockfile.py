"""Read the lock of a rig, and compare it with the spec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer

from rigspec.cli.common.pipeline import resolve_or_exit, select_machines
from rigspec.cli.console import print_status, show_diagnostics
from rigspec.diagnostics.model import Diagnostic, Report, Severity
from rigspec.fs.atomic_tree import TreeError
from rigspec.lock.digests import find_missing_digests
from rigspec.lock.errors import LockError
from rigspec.lock.lockfile import NewerLock, UnusableLock, read_lock
from rigspec.lock.model import Lock, LockedMachine
from rigspec.lock.staleness import find_differences
from rigspec.matrix.loader import compute_matrix_digest
from rigspec.resolution import Resolution
from rigspec.spec.loader import LoadedSpec, compute_spec_digest

__all__ = [
    "collect_resolutions",
    "ensure_digests",
    "load_compared_lock",
    "load_current_lock",
    "load_locked_resolutions",
    "load_previous_lock",
    "report_lock_errors",
    "show_in_spec",
    "warn_unpinned",
]


def load_previous_lock(directory: Path) -> Lock | None:
    """Return the lock in the folder; None if it is missing or corrupt.

    Exits with status 1 if a newer release wrote it, so that an older one does not replace it.
    """
    return _read(directory)[0]


def load_locked_resolutions(directory: Path) -> Mapping[str | None, Resolution]:
    """Return the locked resolution of each machine; empty without a usable lock."""
    lock = load_previous_lock(directory)
    machines = lock.machines if lock is not None else ()
    return {machine.resolution.machine: machine.resolution for machine in machines}


def load_current_lock(spec: LoadedSpec, directory: Path, *, strict: bool) -> tuple[Lock, str]:
    """Return the lock and the SHA-256 of its ``rig.lock``; exit if it is unusable.

    A lock of this spec and this matrix has the resolutions already. Otherwise, the spec is resolved
    again, as close to the lock as it allows; its errors come before those of the lock.

    Args:
        spec: the rig.
        directory: the folder of the lock.
        strict: also refuse a lock that is out of date without a changed version.
    """
    lock, digest, failure = _read(directory)
    machines = lock.machines if lock is not None else ()
    resolutions = tuple(machine.resolution for machine in machines)
    if lock is None or not _is_current(spec, lock):
        previous = {resolution.machine: resolution for resolution in resolutions}
        names = select_machines(spec, None)
        reports = [resolve_or_exit(spec, name, previous.get(name)) for name in names]
        resolutions = collect_resolutions(reports)
    if lock is None:
        show_in_spec(spec, failure)
        raise typer.Exit(1)
    _refuse_differences(spec, lock, resolutions, strict=strict)
    return lock, digest


def _read(directory: Path) -> tuple[Lock | None, str, tuple[Diagnostic, ...]]:
    """Return the lock and its digest, or the error; exit if a newer release wrote it."""
    try:
        return *read_lock(directory), ()
    except NewerLock as error:
        show_diagnostics([error.diagnostic], str(directory), "")
        raise typer.Exit(1) from None
    except UnusableLock as error:
        return None, "", (error.diagnostic,)


def _is_current(spec: LoadedSpec, lock: Lock) -> bool:
    """Return whether the lock is of this spec and matrix, and the spec has no other error."""
    locked = {machine.resolution.machine: machine.resolution for machine in lock.machines}
    # The days of uploads, which `as_of` needs, are not in the digest of the matrix.
    if any(env.as_of is not None for env in spec.rig.env.values()):
        return False
    if locked.keys() != {*select_machines(spec, None)}:
        return False
    # A lock of an earlier format may lack the source of CUDA.
    if spec.rig.cuda is not None and any(r.cuda_provider is None for r in locked.values()):
        return False
    if (
        lock.spec_digest != compute_spec_digest(spec.rig)
        or lock.matrix_digest != compute_matrix_digest()
    ):
        return False
    from rigspec.lint.runner import lint
    from rigspec.resolve.problem.builder import load_required_matrix

    # Parts of a spec that decide no version have errors as well, such as those of its mirrors.
    return not any(
        diagnostic.severity is Severity.ERROR
        for name, resolution in locked.items()
        for diagnostic in lint(
            spec, name, load_required_matrix(spec.rig, name), resolution, resolution
        )
    )


def load_compared_lock(
    spec: LoadedSpec, resolutions: Sequence[Resolution], directory: Path
) -> Lock:
    """Return the lock; exit with status 1 if it is unusable or not of these resolutions."""
    lock, _, failure = _read(directory)
    if lock is None:
        show_in_spec(spec, failure)
        raise typer.Exit(1)
    _refuse_differences(spec, lock, resolutions, strict=True)
    return lock


def _refuse_differences(
    spec: LoadedSpec, lock: Lock, resolutions: Sequence[Resolution], *, strict: bool
) -> None:
    """Print the differences of the lock, and exit with status 1 if it is out of date."""
    changes = find_differences(lock, spec.rig, resolutions)
    show_in_spec(spec, changes)
    if any(strict or change.severity is Severity.ERROR for change in changes):
        raise typer.Exit(1)


@contextmanager
def report_lock_errors(spec: LoadedSpec) -> Iterator[None]:
    """Print a failure to download or write, and exit with its status."""
    try:
        yield
    except LockError as error:
        show_in_spec(spec, [error.locate(spec.document)])
        raise typer.Exit(error.status) from None
    except TreeError as error:
        show_in_spec(spec, [error.diagnostic])
        raise typer.Exit(2) from None


def ensure_digests(spec: LoadedSpec, machines: Iterable[LockedMachine]) -> None:
    """Exit with status 1 unless every base image and download of the machines has a digest."""
    missing = tuple(find_missing_digests(spec, machines))
    show_in_spec(spec, missing)
    if missing:
        raise typer.Exit(1)


def warn_unpinned(machines: Iterable[LockedMachine], *, quiet: bool) -> None:
    """Print a warning for each item that the lock does not pin."""
    for machine in machines:
        for item in machine.unpinned:
            print_status(f"warning[RS505]: not pinned: {item.what} ({item.reason})", quiet=quiet)


def collect_resolutions(reports: Iterable[Report]) -> tuple[Resolution, ...]:
    """Return the resolutions of the reports that have one."""
    return tuple(report.resolution for report in reports if report.resolution is not None)


def show_in_spec(spec: LoadedSpec, diagnostics: Iterable[Diagnostic]) -> None:
    """Print diagnostics with their places in the spec."""
    show_diagnostics(diagnostics, spec.document.file, spec.document.text)
