"""Options that several commands share, so that each has one name, one type and one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rigspec.cli.common.completion import complete_machines
from rigspec.cli.common.spec_paths import find_spec, locate_file, locate_spec

__all__ = [
    "FORMAT",
    "AnyMachine",
    "LockDirectory",
    "NoPager",
    "OneMachine",
    "Quiet",
    "RequireDigests",
    "RequiredSpec",
    "Spec",
    "SpecFile",
]

# The type of the parameter lists the formats: `Annotated[Literal["text", "json"], FORMAT]`.
FORMAT = typer.Option("--format", help="Output format")

Spec = Annotated[
    Path,
    typer.Argument(
        metavar="SPEC",
        help="Spec of the rig, its folder, or - for stdin (default: rig.toml here or above)",
        default_factory=find_spec,
        callback=locate_spec,
        show_default=False,
    ),
]
# For commands that read or write files next to the spec.
SpecFile = Annotated[
    Path,
    typer.Argument(
        metavar="SPEC",
        help="Spec of the rig, or its folder (default: rig.toml here or above)",
        default_factory=find_spec,
        callback=locate_file,
        show_default=False,
    ),
]
RequiredSpec = Annotated[
    Path,
    typer.Argument(
        metavar="SPEC",
        help="Spec of the rig, its folder, or - for stdin",
        callback=locate_spec,
        show_default=False,
    ),
]
NoPager = Annotated[bool, typer.Option("--no-pager", help="Do not use a pager")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only")]
AnyMachine = Annotated[
    str | None,
    typer.Option(
        "--machine",
        metavar="NAME",
        help="Only this machine (default: all machines)",
        autocompletion=complete_machines,
    ),
]
OneMachine = Annotated[
    str | None,
    typer.Option(
        "--machine",
        metavar="NAME",
        help="Machine, if the rig has several",
        autocompletion=complete_machines,
    ),
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
