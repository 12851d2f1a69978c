"""``rigspec lock``: pin every version, file and hash."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rigspec.cli.console import fail, status
from rigspec.cli.pipeline import chosen_machines, open_spec, resolve_or_exit

if TYPE_CHECKING:
    from rigspec.diagnostics.model import Report
    from rigspec.spec.loader import LoadedSpec

__all__ = ["lock"]


class Engine(str, Enum):
    """``lock/engines.py`` has them; its imports are for a lock that is made."""

    UV = "uv"
    RESOLVELIB = "resolvelib"
    PIP_TOOLS = "pip-tools"


def lock(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="The rig to lock.")],
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit 1 if the lock is stale.")
    ] = False,
    update: Annotated[
        list[str] | None,
        typer.Option("--update", metavar="NAME", help="Let this move; what need not move stays."),
    ] = None,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Take the newest of everything that fits.")
    ] = False,
    engine: Annotated[
        Engine | None,
        typer.Option("--engine", help="What resolves Python packages; else what fits each."),
    ] = None,
    pylock: Annotated[
        bool, typer.Option("--pylock", help="Write pylock.toml too, with the index's addresses.")
    ] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Ask the indexes anew, whatever was just answered.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Folder of the lock.")
    ] = None,
    require_digests: Annotated[
        bool,
        typer.Option("--require-digests", help="Refuse a base image or download without one."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Resolve the rig, ask the indexes, and write the lock: all of it or nothing.

    Where there is a lock, what it pins stays as long as the spec and the matrix allow it.
    """
    from rigspec.cli.lockfile import load_previous_lock, locked_before
    from rigspec.lock.paths import lock_directory

    loaded = open_spec(spec)
    directory = output or lock_directory(spec, loaded.rig.name)
    moving = tuple(update or ())
    kept = {} if upgrade else locked_before(directory)
    reports = [
        resolve_or_exit(loaded, name, kept.get(name), moving)
        for name in chosen_machines(loaded, None)
    ]
    _known_names(loaded, reports, directory, moving)
    if check:
        from rigspec.cli.lockfile import ensure_fresh

        ensure_fresh(loaded, reports, directory, require_digests=require_digests)
        status(f"{directory} is up to date", quiet=quiet)
        return
    import gc

    from rigspec.cli.lockfile import write_new_lock
    from rigspec.lock.python.engine_cache import ResolutionCache
    from rigspec.lock.python.environment import LockSettings

    gc.enable()
    settings = LockSettings(
        engine=engine.value if engine is not None else None,
        pylock=pylock,
        answers=ResolutionCache(fresh=no_cache or upgrade),
    )
    before = None if upgrade else load_previous_lock(directory)
    write_new_lock(
        loaded,
        reports,
        directory,
        kept=before,
        moving=moving,
        settings=settings,
        require_digests=require_digests,
        quiet=quiet,
    )


def _known_names(
    spec: LoadedSpec, reports: Sequence[Report], directory: Path, moving: tuple[str, ...]
) -> None:
    """Exit status 2 for a name to update that neither the rig nor its lock has."""
    from rigspec.cli.lockfile import load_previous_lock
    from rigspec.lock.conda.lockfile import explicit_packages

    known = {"os", "driver", "cuda", "cudnn", "python", "pip", "installer", "image"}
    known |= set(spec.rig.download)
    for report in reports:
        for env in report.resolution.envs if report.resolution is not None else ():
            known |= {pin.name.partition("[")[0] for pin in (*env.frameworks, *env.distributions)}
    lock = load_previous_lock(directory)
    for machine in lock.machines if lock is not None else ():
        known |= {package.name for package in machine.packages}
        for locked in machine.envs:
            lines = (locked.tools + locked.requirements).splitlines()
            known |= {line.partition("==")[0] for line in lines if "==" in line}
            known |= explicit_packages(locked.explicit).keys()
    for name in moving:
        if name.lower() not in known:
            near = get_close_matches(name.lower(), known, n=1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            fail(f"{spec.document.file} has no `{name}` to update{hint}", status=2)
