"""``rigspec doctor``: this machine, held against its lock."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rigspec.cli.console import fail, status
from rigspec.cli.pipeline import chosen_machines, open_spec, resolve_or_exit

if TYPE_CHECKING:
    from rigspec.backend.discovery import Backend
    from rigspec.plan.model import Plan

__all__ = ["doctor"]

# It carries out every step, so everything is looked at.
_WHOLE = "shell"


class Format(str, Enum):
    """How to tell."""

    TEXT = "text"
    JSON = "json"


def doctor(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="The rig of this machine.")],
    machine: Annotated[
        str | None, typer.Option("--machine", help="Which machine, where the rig has several.")
    ] = None,
    lock: Annotated[
        Path | None, typer.Option("--lock", metavar="DIR", help="Folder of the lock.")
    ] = None,
    target: Annotated[
        str, typer.Option("--target", help="Look only at what this target builds.")
    ] = _WHOLE,
    output: Annotated[Format, typer.Option("--format", help="How to tell it.")] = Format.TEXT,
    strict: Annotated[
        bool, typer.Option("--strict", help="What cannot be seen counts as a difference.")
    ] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="Print the commands that would mend it, and run none.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Hold this machine against its lock; exit 1 on any difference. Nothing is changed."""
    from rigspec.backend.discovery import BackendError
    from rigspec.backend.render import step_texts
    from rigspec.doctor.diagnose import diagnose
    from rigspec.doctor.fixes import fix_commands
    from rigspec.doctor.render import render_json, render_text

    plan = _plan(spec, machine, lock)
    backend = _backend(target)
    try:
        steps, texts = backend.build_steps(plan), step_texts(plan, backend)
    except BackendError as error:
        fail(f"RS603: {error}", status=2)
    diagnosis = diagnose(plan, steps, texts, target)
    if fix:
        for line in fix_commands(diagnosis, steps):
            typer.echo(line)
        status(render_text(diagnosis).rstrip("\n"), quiet=quiet)
    elif output is Format.JSON:
        typer.echo(render_json(diagnosis), nl=False)
    else:
        typer.echo(render_text(diagnosis), nl=False)
    if diagnosis.differences or (strict and diagnosis.unknown):
        raise typer.Exit(1)


def _plan(spec: Path, machine: str | None, lock: Path | None) -> Plan:
    from rigspec.cli.lockfile import fresh_lock, locked_before
    from rigspec.lock.paths import lock_directory
    from rigspec.plan.build import build_plan

    loaded = open_spec(spec)
    machines = chosen_machines(loaded, machine)
    if len(machines) > 1:
        fail(f"{spec} declares {len(machines)} machines; name one with --machine", status=2)
    directory = lock or lock_directory(spec, loaded.rig.name)
    kept = locked_before(directory)
    names = chosen_machines(loaded, None)
    reports = [resolve_or_exit(loaded, name, kept.get(name)) for name in names]
    rig_lock, digest = fresh_lock(loaded, reports, directory, strict=False)
    return build_plan(loaded.rig, rig_lock, machines[0], digest)


def _backend(target: str) -> Backend:
    from rigspec.backend.discovery import BackendError, find_backends

    try:
        backends = {backend.name: backend for backend in find_backends()}
    except BackendError as error:
        fail(f"RS603: {error}", status=2)
    if target not in backends:
        names = ", ".join(sorted(backends))
        fail(f"RS601: there is no target `{target}`; there are {names}", status=2)
    return backends[target]
