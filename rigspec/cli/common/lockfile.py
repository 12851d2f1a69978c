"""Read the lock of a rig, and compare it with the spec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rigspec.cli.common.pipeline import resolve_or_exit, select_machines
from rigspec.cli.console import fail, print_status, show_diagnostics
from rigspec.diagnostics.model import Diagnostic, Report, Severity
from rigspec.fs.atomic_tree import TreeError
from rigspec.lint.runner import lint
from rigspec.lock.digests import find_missing_digests
from rigspec.lock.errors import LockError
from rigspec.lock.lockfile import CorruptLock, NewerLock, NoLock, UnusableLock, read_lock
from rigspec.lock.model import Lock, LockedMachine
from rigspec.lock.paths import ForeignLock, lock_directory
from rigspec.lock.previous import IMAGE
from rigspec.lock.staleness import find_differences
from rigspec.matrix.loader import compute_matrix_digest
from rigspec.net.limits import TIMEOUT_VARIABLE, InvalidTimeout, read_timeout
from rigspec.resolution import Resolution
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import LoadedSpec, compute_spec_digest

__all__ = [
    "collect_resolutions",
    "ensure_digests",
    "find_lock_directory",
    "load_fresh_lock",
    "load_lock_of_spec",
    "load_locked_resolutions",
    "load_previous_lock",
    "report_lock_errors",
    "show_in_spec",
    "warn_unpinned",
]


def find_lock_directory(spec: Path, rig: str) -> Path:
    """Return the folder of the lock of a rig; exit with status 1 if it is another user's."""
    try:
        return lock_directory(spec, rig)
    except ForeignLock as error:
        fail(
            f"RS509: {error}",
            status=1,
            help_text="if you trust that user, name the folder of the lock with --lock, or -o for "
            "`lock`; otherwise create a folder `lockfiles` next to the spec",
        )


def load_previous_lock(directory: Path) -> Lock | None:
    """Return the lock in the folder; None if it is missing or corrupt.

    Exits with status 1 if a newer release wrote it, so that an older one does not replace it.
    """
    try:
        return read_lock(directory)[0]
    except (NoLock, CorruptLock):
        return None
    except NewerLock as error:
        show_diagnostics([error.diagnostic], str(directory), "")
        raise SystemExit(1) from None


def load_locked_resolutions(directory: Path) -> Mapping[str | None, Resolution]:
    """Return the locked resolution of each machine; empty without a usable lock."""
    lock = load_previous_lock(directory)
    machines = lock.machines if lock is not None else ()
    return {machine.resolution.machine: machine.resolution for machine in machines}


def load_lock_of_spec(spec: LoadedSpec, directory: Path, *, strict: bool) -> tuple[Lock, str]:
    """Return the lock of a spec and the SHA-256 of its ``rig.lock``.

    The spec is resolved unless the lock is of this spec and this matrix. Exits with the status of
    a conflict, or with status 1 if the lock is unusable or out of date.

    Args:
        spec: the rig.
        directory: the folder of the lock.
        strict: also refuse a lock that is out of date without a changed version.
    """
    try:
        lock, digest = read_lock(directory)
    except NewerLock as error:
        show_diagnostics([error.diagnostic], str(directory), "")
        raise SystemExit(1) from None
    except UnusableLock as error:
        # Errors of the spec come first.
        _resolve_as_locked(spec, None)
        show_in_spec(spec, [error.diagnostic])
        raise SystemExit(1) from None
    _refuse_stale(spec, lock, _resolve_as_locked(spec, lock), strict=strict)
    return lock, digest


def _resolve_as_locked(spec: LoadedSpec, lock: Lock | None) -> tuple[Resolution, ...]:
    """Return the resolution of every machine, as close to the lock as the spec allows.

    A lock of this spec and this matrix has it already. Other locks are resolved again.
    """
    machines = lock.machines if lock is not None else ()
    if lock is not None and _is_current(spec, lock):
        return tuple(machine.resolution for machine in machines)
    previous = {machine.resolution.machine: machine.resolution for machine in machines}
    names = select_machines(spec, None)
    return collect_resolutions([resolve_or_exit(spec, name, previous.get(name)) for name in names])


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
    # Parts of a spec that decide no version have errors as well, such as those of its mirrors.
    return not any(
        diagnostic.severity is Severity.ERROR
        for name, resolution in locked.items()
        for diagnostic in lint(
            spec, name, load_required_matrix(spec.rig, name), resolution, resolution
        )
    )


def load_fresh_lock(
    spec: LoadedSpec, resolutions: Sequence[Resolution], directory: Path, *, strict: bool
) -> tuple[Lock, str]:
    """Return the lock and the SHA-256 of its ``rig.lock``; exit with status 1 if it is unusable.

    Args:
        spec: the rig.
        resolutions: the resolution of each machine.
        directory: the folder of the lock.
        strict: also refuse a lock that is out of date without a changed version.
    """
    try:
        lock, digest = read_lock(directory)
    except UnusableLock as error:
        show_in_spec(spec, [error.diagnostic])
        raise SystemExit(1) from None
    _refuse_stale(spec, lock, resolutions, strict=strict)
    return lock, digest


def _refuse_stale(
    spec: LoadedSpec, lock: Lock, resolutions: Sequence[Resolution], *, strict: bool
) -> None:
    """Print how the lock differs from the spec; exit with status 1 if it is out of date."""
    changes = find_differences(lock, spec.rig, resolutions)
    if changes:
        show_in_spec(spec, changes)
    if any(strict or change.severity is Severity.ERROR for change in changes):
        raise SystemExit(1)


@contextmanager
def report_lock_errors(spec: LoadedSpec) -> Iterator[None]:
    """Print a failure to download or write, and exit with its status."""
    try:
        read_timeout()
    except InvalidTimeout as error:
        fail(str(error), status=2, help_text=f"set {TIMEOUT_VARIABLE} to a number, such as 120")
    try:
        yield
    except LockError as error:
        show_in_spec(spec, [error.locate(spec.document)])
        raise SystemExit(error.status) from None
    except TreeError as error:
        show_in_spec(spec, [error.diagnostic])
        raise SystemExit(2) from None
    except OSError as error:
        where = error.filename if error.filename is not None else "a temporary file"
        fail(f"RS604: cannot write {where}: {error.strerror}", status=2)


def ensure_digests(spec: LoadedSpec, machines: Iterable[LockedMachine]) -> None:
    """Exit with status 1 unless every base image and download of the machines has a digest."""
    missing = tuple(find_missing_digests(spec, machines))
    show_in_spec(spec, missing)
    if missing:
        raise SystemExit(1)


def warn_unpinned(
    machines: Iterable[LockedMachine], *, quiet: bool, has_base_image: bool = True
) -> None:
    """Print a warning for each item that the lock does not pin, with its machines."""
    machines = tuple(machines)
    found: dict[str, list[str]] = {}
    for machine in machines:
        for item in machine.unpinned:
            if item.part != IMAGE or has_base_image:
                names = found.setdefault(f"{item.what} ({item.reason})", [])
                names.append(machine.resolution.machine or "")
    for item_text, names in found.items():
        where = f" on {', '.join(names)}" if len(machines) > 1 else ""
        print_status(f"warning[RS505]: not pinned{where}: {item_text}", quiet=quiet)


def collect_resolutions(reports: Iterable[Report]) -> tuple[Resolution, ...]:
    """Return the resolutions of the reports that have one."""
    return tuple(report.resolution for report in reports if report.resolution is not None)


def show_in_spec(spec: LoadedSpec, diagnostics: Iterable[Diagnostic]) -> None:
    """Print diagnostics with their places in the spec."""
    show_diagnostics(diagnostics, spec.document.file, spec.document.text)
