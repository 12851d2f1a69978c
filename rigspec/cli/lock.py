"""``rigspec lock``: pin every version, file and hash."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rigspec.cli.console import say
from rigspec.cli.stages import chosen_machines, open_spec, resolve_or_exit

__all__ = ["lock"]


def lock(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="The rig to lock.")],
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 if the lock is stale.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Folder of the lock.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Resolve the rig, ask the indexes, and write the lock: all of it or nothing."""
    from rigspec.lock.location import lock_directory

    loaded = open_spec(spec)
    reports = [resolve_or_exit(loaded, name) for name in chosen_machines(loaded, None)]
    directory = output or lock_directory(spec, loaded.rig.name)
    if check:
        from rigspec.cli.locked import ensure_fresh

        ensure_fresh(loaded, reports, directory)
        say(f"{directory} is up to date", quiet=quiet)
        return
    import gc

    from rigspec.cli.locked import write_new_lock

    gc.enable()
    write_new_lock(loaded, reports, directory, quiet=quiet)
