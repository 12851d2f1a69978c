"""``rigspec fetch``: download everything that a lock names."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from rigspec.bundle.build import Bundle, build_bundle
from rigspec.bundle.model import MissingItem
from rigspec.bundle.writer import fill_bundle, pack_bundle
from rigspec.cli.common.lockfile import (
    find_lock_directory,
    load_lock_of_spec,
    report_lock_errors,
)
from rigspec.cli.common.options import AnyMachine, LockDirectory, Quiet, SpecFile
from rigspec.cli.common.pipeline import open_spec, select_machines
from rigspec.cli.common.progress import create_progress_bar
from rigspec.cli.console import fail, print_status

__all__ = ["fetch"]

_ARCHIVE_SUFFIXES = (".tar", ".tar.gz", ".tgz")


def fetch(
    spec: SpecFile,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="PATH", help="Folder, or archive (NAME.tar)"),
    ] = Path("bundle"),
    machine: AnyMachine = None,
    lock: LockDirectory = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="URL", help="Address of the bundle on the target machine"),
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Continue without items that are not pinned")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Download everything that a lock names.

    Verifies every checksum and prints the `[mirrors]` table that uses the bundle. An interrupted
    download is continued by the next run.
    """
    loaded = open_spec(spec)
    if machine is not None:
        select_machines(loaded, machine)
    directory = lock or find_lock_directory(spec, loaded.rig.name)
    rig_lock, _ = load_lock_of_spec(loaded, directory, strict=False)
    with report_lock_errors(loaded):
        bundle = build_bundle(loaded.rig, rig_lock, machine)
        _report_missing(bundle.missing, allow_missing, quiet)
        _write(bundle, output, quiet)
    _print_mirrors(bundle, output, at, quiet)


def _report_missing(missing: Sequence[MissingItem], allowed: bool, quiet: bool) -> None:
    severity = "warning" if allowed else "error"
    for item in missing:
        print_status(
            f"{severity}[RS531]: not in the bundle: {item.what} ({item.reason})",
            quiet=quiet and allowed,
        )
    if missing and not allowed:
        fail(
            "nothing was downloaded, because items are missing",
            status=1,
            help_text="continue without them with --allow-missing",
        )


def _write(bundle: Bundle, output: Path, quiet: bool) -> None:
    is_archive = output.name.endswith(_ARCHIVE_SUFFIXES)
    folder = output.with_name(f"{output.name}.files") if is_archive else output
    try:
        paths = [item.path for item in bundle.files]
        with create_progress_bar(paths, "downloading", quiet=quiet) as complete:
            size = fill_bundle(folder, bundle, complete)
        if is_archive:
            pack_bundle(folder, output)
            shutil.rmtree(folder)
    except OSError as error:
        fail(f"RS604: cannot write {output}: {error.strerror}", status=2)
    print_status(f"{len(paths)} files in {output}, {size / 1e6:.1f} MB downloaded", quiet=quiet)


def _print_mirrors(bundle: Bundle, output: Path, at: str | None, quiet: bool) -> None:
    """Print the table for the spec to stdout, so that it can be redirected to a file."""
    name = output.name.partition(".tar")[0].removesuffix(".tgz")
    is_archive = name != output.name
    address = at or (f"file:///srv/{name}" if is_archive else output.resolve().as_uri())
    if is_archive and at is None:
        print_status("unpack it in /srv, or set another address with --at", quiet=quiet)
    typer.echo("[mirrors]")
    for key, folder in bundle.mirrors:
        typer.echo(f'{key} = "{address.rstrip("/")}/{folder}"')
    for index in bundle.indexes:
        typer.echo(f'[index."{index.name}"]\nurl = "{address.rstrip("/")}/{index.folder}"')
        if index.packages:
            typer.echo(f"packages = {json.dumps(index.packages)}")
