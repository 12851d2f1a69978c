"""``rigspec compile``: write what builds the rig."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rigspec.cli.console import fail, status
from rigspec.cli.stages import chosen_machines, open_spec, resolve_or_exit
from rigspec.diagnostics.plain import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rigspec.plan.model import Plan
    from rigspec.spec.load import LoadedSpec
    from rigspec.tree import OutputFile

__all__ = ["compile_"]


def compile_(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="The rig to compile.")],
    target: Annotated[str, typer.Option("--target", help="A target's name, or all.")],
    machine: Annotated[
        str | None, typer.Option("--machine", help="Which machine, where the rig has several.")
    ] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Where the files go.")
    ] = Path("out"),
    locked: Annotated[
        bool, typer.Option("--locked", help="Refuse a lock that the spec has moved away from.")
    ] = False,
    lock: Annotated[
        Path | None, typer.Option("--lock", metavar="DIR", help="Folder of the lock.")
    ] = None,
    require_digests: Annotated[
        bool,
        typer.Option("--require-digests", help="Refuse a base image or download without one."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Write the artifacts of a locked rig: no network, no clock, the same bytes everywhere."""
    from rigspec.cli.locked import ensure_digests, fresh_lock, locked_before, warn_unpinned
    from rigspec.lock.location import lock_directory
    from rigspec.plan.build import build_plan

    loaded = open_spec(spec)
    machines = chosen_machines(loaded, machine)
    if len(machines) > 1:
        fail(f"{spec} declares {len(machines)} machines; name one with --machine", status=2)
    directory = lock or lock_directory(spec, loaded.rig.name)
    kept = locked_before(directory)
    names = chosen_machines(loaded, None)
    reports = [resolve_or_exit(loaded, name, kept.get(name)) for name in names]
    rig_lock, digest = fresh_lock(loaded, reports, directory, strict=locked)
    built = [found for found in rig_lock.machines if found.resolution.machine == machines[0]]
    if require_digests:
        ensure_digests(loaded, built)
    warn_unpinned(built, quiet=quiet)
    plan = build_plan(loaded.rig, rig_lock, machines[0], digest)
    _emit(loaded, plan, target, output, quiet)


def _emit(spec: LoadedSpec, plan: Plan, target: str, output: Path, quiet: bool) -> None:
    from rigspec.cli.too_long import report_output_too_large
    from rigspec.emit.backend import BackendError, find_backends
    from rigspec.emit.compile import compile_plan, omissions
    from rigspec.emit.limits import OutputTooLarge
    from rigspec.tree import TreeError, write_tree_atomically

    try:
        backends = find_backends()
        chosen = [b for b in backends if target in ("all", b.name)]
        if not chosen:
            names = ", ".join(backend.name for backend in backends)
            fail(f"RS601: there is no target `{target}`; there are {names} and all", status=2)
        trees = {backend.name: compile_plan(plan, backend) for backend in chosen}
        write_tree_atomically(output, _whole(output, trees))
    except OutputTooLarge as error:
        report_output_too_large(spec, plan.machine, error)
        raise typer.Exit(1) from None
    except BackendError as error:
        fail(f"RS603: {error}", status=2)
    except TreeError as error:
        fail(f"RS604: {error}", status=2)
    for backend in chosen:
        status(f"{backend.title}", quiet=quiet)
        for file in trees[backend.name]:
            typer.echo(plain(str(output / backend.name / file.path)))
        for left in omissions(plan, backend):
            status(f"  leaves out {left.what}: {left.why}", quiet=quiet)


def _whole(output: Path, trees: Mapping[str, tuple[OutputFile, ...]]) -> list[OutputFile]:
    """The new targets with those that were compiled before: one tree, swapped in at once."""
    from rigspec.tree import OutputFile, read_tree

    kept = [file for file in read_tree(output) if file.path.partition("/")[0] not in trees]
    new = [
        OutputFile(f"{name}/{file.path}", file.content, file.mode)
        for name, files in trees.items()
        for file in files
    ]
    return [*kept, *new]
