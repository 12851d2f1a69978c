"""The ``rigspec`` command."""

from __future__ import annotations

import atexit
import os
import sys
import threading
import traceback
from typing import Annotated, NoReturn

import typer

from rigspec import __version__
from rigspec.cli.common.lazy import LazyCommand, create_group

__all__ = ["COMMANDS", "INTERNAL_ERROR", "app", "main", "run"]

INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h

COMMANDS = {
    name: LazyCommand(f"rigspec.cli.{module}", attribute, summary)
    for name, module, attribute, summary in (
        ("init", "init", "init", "Write a commented spec, or the spec of an existing machine"),
        ("can", "can", "can", "Answer whether something runs, without a spec"),
        ("import", "import_", "import_", "Write the spec of files that a project already has"),
        ("check", "check", "check", "Resolve every machine of a rig and report conflicts"),
        ("why", "why", "why", "Explain why a version was chosen"),
        ("explain", "explain", "explain", "Print the page of a diagnostic code"),
        ("lock", "lock", "lock", "Pin every version, file and checksum"),
        ("compile", "compile", "compile_", "Write the artifacts of targets from the lock"),
        ("fetch", "fetch", "fetch", "Download everything that a lock names"),
        ("doctor", "doctor", "doctor", "Check this machine against its lock"),
        ("connect", "connect", "connect", "Print the command that reaches each service"),
        ("compare", "compare", "compare", "Compare two machines of a rig"),
        ("graph", "graph", "graph", "Draw the resolved stack"),
        ("matrix", "matrix", "app", "Show, verify and refresh the compatibility matrix"),
        ("lsp", "lsp", "lsp", "Serve editors: diagnostics, repairs, hover, completion"),
        ("schema", "schema", "schema", "Print the JSON Schema of the spec language"),
    )
}

app = create_group(
    COMMANDS, "Check, lock and compile a declared deep-learning machine", completion=True
)


def _print_version(requested: bool) -> None:
    if requested:
        typer.echo(f"rigspec {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", "-V", callback=_print_version, is_eager=True, help="Print the version"
        ),
    ] = False,
) -> None:
    """Check, lock and compile a declared deep-learning machine."""


def run() -> NoReturn:
    """Run the command line as the only thing that this process does."""
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    if not isinstance(code, int) or threading.active_count() > 1:
        sys.exit(code if isinstance(code, int | str) else None)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        sys.exit(code)
    atexit._run_exitfuncs()
    # Freeing every module and object one by one takes as long as resolving a rig.
    os._exit(code)


def main() -> None:
    """Run the command line.

    Exits with 141 on a closed pipe, with 130 on Ctrl-C, and with 70 on an error of rigspec itself,
    so that a program does not take it for a conflict.
    """
    try:
        app(prog_name="rigspec")
    except BrokenPipeError:
        # The interpreter would raise again when it flushes the rest of the buffer.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:
        traceback.print_exc()
        typer.echo(
            "error: internal error in rigspec: please report it with the lines above", err=True
        )
        sys.exit(INTERNAL_ERROR)
