"""The table of commands, and the Typer application that dispatches to them."""

from __future__ import annotations

from typing import Annotated

import typer

from rigspec import __version__
from rigspec.cli.common.lazy import LazyCommand, create_group

__all__ = ["COMMANDS", "app"]

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
