"""``rigspec check``: resolve every machine of a rig."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rigspec.cli.arguments.check import CheckArguments, Format
from rigspec.cli.common.check_specs import run_check
from rigspec.cli.common.completion import complete_codes
from rigspec.cli.common.options import FORMAT, AnyMachine, Quiet
from rigspec.cli.common.spec_paths import find_spec

__all__ = ["check"]


def check(
    specs: Annotated[
        list[Path],
        typer.Argument(
            metavar="SPEC",
            help="Specs, folders, - or files of other programs (default: rig.toml)",
            default_factory=lambda: [find_spec()],
            show_default=False,
        ),
    ],
    machine: AnyMachine = None,
    format_: Annotated[Format, FORMAT] = "text",
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            "--ignore",
            metavar="CODE",
            help="Hide warnings and notes of this code; can be repeated",
            autocompletion=complete_codes,
        ),
    ] = None,
    deny: Annotated[
        list[str] | None,
        typer.Option(
            "--deny",
            metavar="CODE",
            help="Make warnings of this code errors, or all with `warnings`; can be repeated",
            autocompletion=complete_codes,
        ),
    ] = None,
    quiet: Quiet = False,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Reuse the result of an unchanged spec")
    ] = True,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", min=1, metavar="N", help="Processes for many specs (default: one a core)"
        ),
    ] = None,
) -> None:
    """Resolve every machine of a rig and report conflicts.

    Exit status: 0 without errors, 1 on a conflict, 2 if a spec is invalid.
    """
    run_check(
        CheckArguments(
            specs=tuple(specs),
            machine=machine,
            format=format_,
            ignore=tuple(ignore or ()),
            deny=tuple(deny or ()),
            quiet=quiet,
            cache=cache,
            jobs=jobs,
        )
    )
