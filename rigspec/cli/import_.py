"""``rigspec import``: write the spec of files that a project already has."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from rigspec.cli.common.options import FORMAT, Quiet
from rigspec.cli.common.output_file import write_text
from rigspec.cli.common.source_files import open_sources
from rigspec.cli.console import fail, print_status
from rigspec.diagnostics.sanitize import sanitize_json
from rigspec.importing.registry import ImportedFile
from rigspec.importing.spec_writer import ImportedRig, write_rig

__all__ = ["import_"]

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Files to import, or - for stdin"),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File to write (default: stdout)"),
    ] = None,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="Name of the rig")
    ] = "imported",
    extra: Annotated[
        list[str] | None,
        typer.Option("--extra", metavar="NAME", help="Import an extra of a project as well"),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option("--group", metavar="NAME", help="Import a dependency group as well"),
    ] = None,
    stage: Annotated[
        str | None,
        typer.Option("--stage", metavar="NAME", help="Stage of a Dockerfile (default: the last)"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file")] = False,
    format_: Annotated[Literal["text", "json"], FORMAT] = "text",
    quiet: Quiet = False,
) -> None:
    """Write the spec of files that a project already has.

    Several files make one rig. Omitted values stay free, and parts that cannot be imported are
    listed in the spec and on stderr.

    Formats: requirements.txt and pip freeze, pyproject.toml, Python scripts (PEP 723), uv.lock,
    pylock.toml, .python-version, environment.yml, conda-lock.yml, conda list, pixi.toml,
    Dockerfile, compose.yaml, devcontainer.json, torch.utils.collect_env, nvidia-smi.
    """
    if _NAME.fullmatch(name) is None:
        fail(
            f"invalid rig name `{name}`",
            status=2,
            help_text="start with a letter and use lower-case letters, digits, `-` and `_`",
        )
    stages = () if stage is None else (stage,)
    imported = open_sources(files, extras=extra or (), groups=group or (), stages=stages)
    rig = write_rig(imported, name)
    for each in rig.omissions:
        print_status(
            f"not imported: {each.file}:{each.line}: {each.text} ({each.reason})", quiet=quiet
        )
    if format_ == "json":
        typer.echo(sanitize_json(json.dumps(_as_dict(imported, rig), indent=2, ensure_ascii=False)))
    if output is not None:
        _write(output, rig.text, force=force, quiet=quiet)
    elif format_ == "text":
        sys.stdout.write(rig.text)


def _write(path: Path, text: str, *, force: bool, quiet: bool) -> None:
    try:
        write_text(path, text, new=not force)
    except FileExistsError:
        fail(f"{path} already exists", status=2, help_text="replace it with --force")
    print_status(f"wrote {path}; next: `rigspec check {path}`", quiet=quiet)


def _as_dict(files: Sequence[ImportedFile], rig: ImportedRig) -> dict[str, Any]:
    return {
        "schema": 1,
        "files": [{"file": f.source.file, "format": f.format.name} for f in files],
        "spec": rig.text,
        "keys": {
            key: {
                "file": statement.span.file,
                "line": statement.span.line,
                "column": statement.span.column,
            }
            for key, statement in rig.by_key.items()
        },
        "not_imported": [
            {"file": o.file, "line": o.line, "text": o.text, "reason": o.reason}
            for o in rig.omissions
        ],
    }
