"""The ``rigspec`` command."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from rigspec.cli.check import check
from rigspec.cli.compare import compare
from rigspec.cli.compile import compile_
from rigspec.cli.connect import connect
from rigspec.cli.doctor import doctor
from rigspec.cli.explain import explain
from rigspec.cli.fetch import fetch
from rigspec.cli.graph import graph
from rigspec.cli.init import init
from rigspec.cli.lock import lock
from rigspec.cli.matrix import app as matrix_app
from rigspec.cli.schema import schema
from rigspec.cli.why import why

__all__ = ["app", "main"]

app = typer.Typer(
    name="rigspec",
    help="Declare a deep-learning machine once: check it, lock it, compile what builds it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("init")(init)
app.command("check")(check)
app.command("lock")(lock)
app.command("compile")(compile_)
app.command("fetch")(fetch)
app.command("connect")(connect)
app.command("doctor")(doctor)
app.command("compare")(compare)
app.command("graph")(graph)
app.command("explain")(explain)
app.command("schema")(schema)
app.command("why")(why)
app.add_typer(matrix_app, name="matrix")


def _print_version(wanted: bool) -> None:
    if wanted:
        from rigspec import __version__

        typer.echo(f"rigspec {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Declare a deep-learning machine once: check it, lock it, compile what builds it."""


def main() -> None:
    """Run the command line; a closed pipe is no error, and Ctrl-C leaves quietly with 130."""
    try:
        app()
    except BrokenPipeError:
        # What is left in the buffer would raise again when the interpreter flushes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)
