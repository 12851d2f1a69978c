"""``rigspec lock``: pin every version, file and checksum."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from rigspec.cli.common.completion import complete_components
from rigspec.cli.common.lockfile import (
    collect_resolutions,
    ensure_digests,
    find_lock_directory,
    load_fresh_lock,
    load_locked_resolutions,
    load_previous_lock,
    report_lock_errors,
    warn_unpinned,
)
from rigspec.cli.common.options import FORMAT, Quiet, RequireDigests, SpecFile
from rigspec.cli.common.pipeline import open_spec, resolve_or_exit, select_machines
from rigspec.cli.console import fail_unknown, print_status
from rigspec.diagnostics.model import Report
from rigspec.diagnostics.sanitize import sanitize_json
from rigspec.lock.model import Lock
from rigspec.resolution import EnvResolution
from rigspec.spec.loader import LoadedSpec

__all__ = ["lock"]

_COMPONENTS = frozenset({"os", "driver", "cuda", "cudnn", "python", "pip", "installer", "image"})


def lock(
    spec: SpecFile,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing and exit with 1 if the lock is out of date"),
    ] = False,
    update: Annotated[
        list[str] | None,
        typer.Option(
            "--update",
            metavar="NAME",
            help="Allow NAME to change, keeping everything else",
            autocompletion=complete_components,
        ),
    ] = None,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Upgrade everything to the newest compatible version")
    ] = False,
    engine: Annotated[
        Literal["uv", "resolvelib", "pip-tools"] | None,
        typer.Option("--engine", help="Python resolver (default: chosen for each environment)"),
    ] = None,
    pylock: Annotated[
        bool, typer.Option("--pylock", help="Also write pylock.toml, with addresses of the index")
    ] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Download all Python files and compare their checksums"),
    ] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Ignore cached responses of the indexes")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Folder of the lock (default: lockfiles/RIG)"
        ),
    ] = None,
    require_digests: RequireDigests = False,
    format_: Annotated[Literal["text", "json"], FORMAT] = "text",
    quiet: Quiet = False,
) -> None:
    """Pin every version, file and checksum.

    Queries the package indexes and writes the whole lock or nothing. Versions of an existing lock
    are kept as long as the spec and the matrix allow it.
    """
    loaded = open_spec(spec)
    directory = output or find_lock_directory(spec, loaded.rig.name)
    update_names = tuple(update or ())
    previous = {} if upgrade else load_locked_resolutions(directory)
    reports = [
        resolve_or_exit(loaded, name, previous.get(name), update_names)
        for name in select_machines(loaded, None)
    ]
    _refuse_unknown_names(loaded, reports, load_previous_lock(directory), update_names)
    if check:
        _check_lock(loaded, reports, directory, require_digests=require_digests)
        print_status(f"{directory} is up to date", quiet=quiet)
        if format_ == "json":
            _print_json(directory, load_previous_lock(directory))
        return
    # The resolvers of Python and conda take longer to import than `--check` takes to run.
    from rigspec.cli.new_lock import create_new_lock, write_lock

    new = create_new_lock(
        loaded,
        reports,
        None if upgrade else load_previous_lock(directory),
        update_names=update_names,
        engine=engine,
        pylock=pylock,
        fresh=no_cache or upgrade,
        quiet=quiet,
    )
    if require_digests:
        ensure_digests(loaded, new.machines)
    if verify:
        from rigspec.cli.common.verified_files import verify_python_files

        with report_lock_errors(loaded):
            count = verify_python_files(loaded.rig, new)
        print_status(f"verified {count} Python files", quiet=quiet)
    write_lock(loaded, new, directory, quiet=quiet)
    warn_unpinned(new.machines, quiet=quiet)
    if format_ == "json":
        _print_json(directory, new)


def _print_json(directory: Path, lock: Lock | None) -> None:
    machines = [
        {
            "name": machine.resolution.machine,
            "os": machine.resolution.os,
            "driver": machine.resolution.driver,
            "cuda": machine.resolution.cuda,
            "environments": [
                {"name": env.name, "python": env.python, "packages": _frameworks(env)}
                for env in machine.resolution.envs
            ],
            "not_pinned": [{"item": i.what, "reason": i.reason} for i in machine.unpinned],
        }
        for machine in (lock.machines if lock is not None else ())
    ]
    value = {"schema": 1, "lock": str(directory), "machines": machines}
    typer.echo(sanitize_json(json.dumps(value, indent=2, ensure_ascii=False)))


def _frameworks(env: EnvResolution) -> dict[str, str]:
    return {pin.name: pin.version for pin in env.distributions}


def _check_lock(
    spec: LoadedSpec, reports: Sequence[Report], directory: Path, *, require_digests: bool
) -> None:
    """Exit with status 1 and the differences unless the lock is up to date."""
    current, _ = load_fresh_lock(spec, collect_resolutions(reports), directory, strict=True)
    if require_digests:
        ensure_digests(spec, current.machines)


def _refuse_unknown_names(
    spec: LoadedSpec,
    reports: Sequence[Report],
    previous: Lock | None,
    update_names: tuple[str, ...],
) -> None:
    """Exit with status 2 if neither the rig nor its lock has a name to update."""
    known = {*_COMPONENTS, *spec.rig.download}
    for report in reports:
        for env in report.resolution.envs if report.resolution is not None else ():
            known |= {pin.name.partition("[")[0] for pin in (*env.frameworks, *env.distributions)}
    for machine in previous.machines if previous is not None else ():
        known |= {package.name for package in machine.packages}
        for locked in machine.envs:
            known |= {package.name for package in (*locked.tools, *locked.packages)}
            known |= {package.name for package in locked.conda_packages}
    for name in update_names:
        if name.lower() not in known:
            fail_unknown(
                f"no `{name}` to update in {spec.document.file}",
                name.lower(),
                known,
                otherwise=f"name a package, a download or one of {', '.join(sorted(_COMPONENTS))}",
            )
