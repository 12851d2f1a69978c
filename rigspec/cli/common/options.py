"""Options that several commands share, so that each has one name, one type and one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "FORMAT",
    "AnyMachine",
    "LockDirectory",
    "OneMachine",
    "Quiet",
    "RequireDigests",
    "Spec",
]

# The type of the parameter lists the formats: `Annotated[Literal["text", "json"], FORMAT]`.
FORMAT = typer.Option("--format", help="Output format")

Spec = Annotated[Path, typer.Argument(metavar="SPEC", help="Spec of the rig", show_default=False)]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only")]
AnyMachine = Annotated[
    str | None,
    typer.Option("--machine", metavar="NAME", help="Only this machine (default: all machines)"),
]
OneMachine = Annotated[
    str | None,
    typer.Option("--machine", metavar="NAME", help="Machine, if the rig has several"),
]
LockDirectory = Annotated[
    Path | None,
    typer.Option(
        "--lock", metavar="DIR", help="Folder of the lock (default: lockfiles/RIG next to specs/)"
    ),
]
RequireDigests = Annotated[
    bool,
    typer.Option("--require-digests", help="Refuse a base image or download without a digest"),
]
