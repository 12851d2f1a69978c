"""``rigspec compile``: write the artifacts of a target from the lock."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rigspec.cli.arguments.compile import CompileArguments, Format
from rigspec.cli.common.compile_targets import run_compile
from rigspec.cli.common.completion import complete_targets
from rigspec.cli.common.options import (
    FORMAT,
    AnyMachine,
    LockDirectory,
    Quiet,
    RequireDigests,
    SpecFile,
)

__all__ = ["compile_"]


def compile_(
    spec: SpecFile,
    target: Annotated[
        list[str],
        typer.Option(
            "--target",
            metavar="NAME",
            help="Target, or all; separate several by commas",
            autocompletion=complete_targets,
            show_default=False,
        ),
    ],
    machine: AnyMachine = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Output folder")
    ] = Path("out"),
    locked: Annotated[
        bool, typer.Option("--locked", help="Fail if the lock is out of date")
    ] = False,
    lock: LockDirectory = None,
    require_digests: RequireDigests = False,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing and exit with 1 if the output folder differs"),
    ] = False,
    format_: Annotated[Format, FORMAT] = "text",
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="List all files and what is not included")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Write the artifacts of targets from the lock.

    Of a rig with several machines, each gets a folder of its name in the output folder.
    Uses no network and no clock: the same input gives the same bytes.
    """
    run_compile(
        CompileArguments(
            targets=tuple(target),
            spec=spec,
            machine=machine,
            output=output,
            locked=locked,
            lock=lock,
            require_digests=require_digests,
            check=check,
            format=format_,
            verbose=verbose,
            quiet=quiet,
        )
    )
