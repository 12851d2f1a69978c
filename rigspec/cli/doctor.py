"""``rigspec doctor``: check this machine against its lock."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from rigspec.backend.discovery import Backend, BackendError, find_backends
from rigspec.backend.render import render_steps
from rigspec.cli.common.completion import complete_targets
from rigspec.cli.common.lockfile import (
    find_lock_directory,
    load_lock_of_spec,
)
from rigspec.cli.common.options import FORMAT, LockDirectory, OneMachine, Quiet, SpecFile
from rigspec.cli.common.pipeline import open_spec, select_machine
from rigspec.cli.console import fail, fail_unknown, print_status
from rigspec.doctor.diagnose import diagnose
from rigspec.doctor.fixes import list_fix_commands
from rigspec.doctor.model import Diagnosis
from rigspec.doctor.render import render_json, render_text
from rigspec.plan.build import build_plan
from rigspec.plan.extensions import ExtensionError
from rigspec.plan.model import Plan

__all__ = ["doctor"]

# This target supports every kind of step, so everything is checked.
_DEFAULT_TARGET = "shell"


def doctor(
    spec: SpecFile,
    machine: OneMachine = None,
    lock: LockDirectory = None,
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="NAME",
            help="Check only what this target builds",
            autocompletion=complete_targets,
        ),
    ] = _DEFAULT_TARGET,
    format_: Annotated[Literal["text", "json"], FORMAT] = "text",
    strict: Annotated[
        bool, typer.Option("--strict", help="Count unreadable items as differences")
    ] = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="Print the commands that fix the differences, run none")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="List every difference, also on another system")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Check this machine against its lock.

    Changes nothing. Exits with 1 on any difference.
    """
    plan = _build_plan(spec, machine, lock)
    backend = _select_backend(target)
    try:
        steps, texts = backend.build_steps(plan), render_steps(plan, backend)
    except BackendError as error:
        fail(f"RS603: {error}", status=2)
    diagnosis = diagnose(plan, steps, texts, target)
    if not everything and not fix and format_ == "text":
        _refuse_other_system(diagnosis)
    if fix:
        for line in list_fix_commands(diagnosis, steps):
            typer.echo(line)
        print_status(render_text(diagnosis, steps).rstrip("\n"), quiet=quiet)
    elif format_ == "json":
        typer.echo(render_json(diagnosis), nl=False)
    else:
        typer.echo(render_text(diagnosis, steps), nl=False)
    if diagnosis.differences or (strict and diagnosis.unknown):
        raise typer.Exit(1)


def _refuse_other_system(diagnosis: Diagnosis) -> None:
    """Exit with status 1 if the system is another one, and so is most of what is installed."""
    system = next((item for item in diagnosis.differences if item.name == "os"), None)
    if system is None or len(diagnosis.differences) * 2 < len(diagnosis.items):
        return
    fail(
        f"this machine runs {system.found}, but the rig is for {system.expected}",
        status=1,
        help_text="run `rigspec doctor` on a machine of the rig, or pass --all to list everything",
    )


def _build_plan(spec: Path, machine: str | None, lock: Path | None) -> Plan:
    loaded = open_spec(spec)
    name = select_machine(loaded, machine)
    directory = lock or find_lock_directory(spec, loaded.rig.name)
    rig_lock, digest = load_lock_of_spec(loaded, directory, strict=False)
    try:
        return build_plan(loaded.rig, rig_lock, name, digest)
    except ExtensionError as error:
        fail(f"RS603: {error}", status=2)


def _select_backend(target: str) -> Backend:
    try:
        backends = {backend.name: backend for backend in find_backends()}
    except BackendError as error:
        fail(f"RS603: {error}", status=2)
    if target not in backends:
        fail_unknown(
            f"RS601: unknown target `{target}`",
            target,
            backends,
            otherwise=f"use one of {', '.join(sorted(backends))}",
        )
    return backends[target]
