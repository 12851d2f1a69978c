"""``rigspec fetch``: everything a lock names, for a machine without a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rigspec.cli.console import fail, status
from rigspec.cli.pipeline import chosen_machines, open_spec, resolve_or_exit

if TYPE_CHECKING:
    from rigspec.bundle.build import Bundle
    from rigspec.bundle.model import MissingItem
    from rigspec.lock.model import Lock
    from rigspec.spec.loader import LoadedSpec

__all__ = ["fetch"]

_ARCHIVES = (".tar", ".tar.gz", ".tgz")


def fetch(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="The rig whose lock is fetched.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="PATH", help="A folder, or an archive: NAME.tar."),
    ] = Path("bundle"),
    machine: Annotated[
        str | None, typer.Option("--machine", help="For this machine only; else for all.")
    ] = None,
    lock: Annotated[
        Path | None, typer.Option("--lock", metavar="DIR", help="Folder of the lock.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="ADDRESS", help="Where the machine will see the bundle."),
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Go on without what no bundle can have.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Fetch and check every byte a lock names, and say which `[mirrors]` serve it.

    What a cut-short run has fetched is kept, and checked, by the next one.
    """
    from rigspec.bundle.build import build_bundle
    from rigspec.cli.lockfile import fresh_lock, locked_before, report_lock_errors
    from rigspec.lock.paths import lock_directory

    loaded = open_spec(spec)
    if machine is not None:
        chosen_machines(loaded, machine)
    directory = lock or lock_directory(spec, loaded.rig.name)
    kept = locked_before(directory)
    reports = [resolve_or_exit(loaded, n, kept.get(n)) for n in chosen_machines(loaded, None)]
    rig_lock: Lock = fresh_lock(loaded, reports, directory, strict=False)[0]
    with report_lock_errors(loaded):
        bundle = build_bundle(loaded.rig, rig_lock, machine)
        _refuse_absent(bundle.missing, allow_missing, quiet)
        _write(loaded, bundle, output, quiet)
    _tell_mirrors(bundle, output, at, quiet)


def _refuse_absent(absent: Sequence[MissingItem], allowed: bool, quiet: bool) -> None:
    for item in absent:
        word = "warning" if allowed else "error"
        status(
            f"{word}[RS531]: not in the bundle: {item.what}: {item.reason}", quiet=quiet and allowed
        )
    if absent and not allowed:
        fail("nothing was fetched; --allow-missing makes the bundle without that", status=1)


def _write(spec: LoadedSpec, bundle: Bundle, output: Path, quiet: bool) -> None:
    from rigspec.bundle.writer import fill_bundle, pack_bundle
    from rigspec.cli.console import progress_bar

    archive = output.name.endswith(_ARCHIVES)
    folder = output.with_name(f"{output.name}.files") if archive else output
    try:
        paths = [item.path for item in bundle.files]
        with progress_bar(paths, "fetching", quiet=quiet) as done:
            size = fill_bundle(folder, bundle, done)
        if archive:
            pack_bundle(folder, output)
            _remove(folder)
    except OSError as error:
        fail(f"RS604: {output} cannot be written: {error.strerror}", status=2)
    status(f"{len(paths)} files in {output}, {size / 1e6:.1f} MB of them fetched now", quiet=quiet)


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)


def _tell_mirrors(bundle: Bundle, output: Path, at: str | None, quiet: bool) -> None:
    """The lines for the spec on standard output, so that they can be taken from there."""
    name = output.name.partition(".tar")[0].removesuffix(".tgz")
    packed = name != output.name
    address = at or (f"file:///srv/{name}" if packed else output.resolve().as_uri())
    if packed and at is None:
        status("unpack it in /srv, or name another place with --at", quiet=quiet)
    typer.echo("[mirrors]")
    for key, folder in bundle.mirrors:
        typer.echo(f'{key} = "{address.rstrip("/")}/{folder}"')
