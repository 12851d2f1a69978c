"""Create a lock and write it to its folder."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rigspec.cli.common.lockfile import (
    collect_resolutions,
    load_previous_lock,
    report_lock_errors,
    show_in_spec,
)
from rigspec.cli.common.progress import create_progress_bar
from rigspec.cli.console import print_status
from rigspec.diagnostics.model import Diagnostic, Report
from rigspec.fs.atomic_tree import read_tree, write_tree_atomically
from rigspec.lock.create import create_lock, list_environment_labels
from rigspec.lock.diff import lock_diff
from rigspec.lock.digests import find_unverified_downloads
from rigspec.lock.lockfile import lock_files
from rigspec.lock.model import Lock
from rigspec.lock.python.engine_cache import ResolutionCache
from rigspec.lock.python.environment import LockSettings
from rigspec.lock.python.index.release_cache import ReleaseCache
from rigspec.spec.loader import LoadedSpec

__all__ = ["create_new_lock", "write_lock"]


def create_new_lock(
    spec: LoadedSpec,
    reports: Sequence[Report],
    previous: Lock | None,
    *,
    update_names: Sequence[str],
    engine: str | None,
    pylock: bool,
    fresh: bool,
    quiet: bool,
) -> Lock:
    """Create a lock; exit with status 3 if an index is unreachable or cannot be trusted.

    Args:
        spec: the rig.
        reports: the resolution of each machine.
        previous: the lock to keep as far as possible.
        update_names: components and packages that may move away from it.
        engine: the resolver of Python packages; None chooses one for each environment.
        pylock: also create PEP 751 files.
        fresh: ignore cached responses of the indexes.
        quiet: print neither progress nor warnings.
    """
    gc.enable()
    settings = LockSettings(
        engine=engine,
        pylock=pylock,
        answers=ResolutionCache(fresh=fresh),
        releases=ReleaseCache(fresh=fresh),
    )
    warnings: list[Diagnostic] = []
    resolutions = collect_resolutions(reports)
    progress = create_progress_bar(list_environment_labels(resolutions), "locking", quiet=quiet)
    with report_lock_errors(spec), progress as complete:
        new = create_lock(
            spec.rig, resolutions, previous, update_names, settings, complete, warnings.append
        )
    if not quiet:
        show_in_spec(spec, dict.fromkeys([*warnings, *find_unverified_downloads(new)]))
    return new


def write_lock(spec: LoadedSpec, new: Lock, directory: Path, *, quiet: bool) -> None:
    """Write the lock unless only the digest of the matrix has changed; print the changes."""
    old = load_previous_lock(directory)
    # A committed lock does not change only because a newer matrix has more rows.
    if old is not None and _is_written(replace(new, matrix_digest=old.matrix_digest), directory):
        print_status(f"{directory} is up to date", quiet=quiet)
        return
    files = lock_files(new)
    with report_lock_errors(spec):
        write_tree_atomically(directory, files)
    for file in files:
        print_status(f"wrote {directory / file.path}", quiet=quiet)
    if old is not None:
        for line in lock_diff(old, new) or ("no version changed",):
            print_status(line, quiet=quiet)


def _is_written(lock: Lock, directory: Path) -> bool:
    """Return whether the folder contains exactly the files of this lock."""
    current = {file.path: file.content for file in read_tree(directory)}
    return current == {file.path: file.content for file in lock_files(lock)}
