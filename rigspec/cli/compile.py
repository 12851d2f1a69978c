"""``rigspec compile``: write what builds the rig."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rigspec.cli.console import fail, show, status
from rigspec.cli.pipeline import chosen_machines, open_spec, resolve_or_exit
from rigspec.diagnostics.sanitize import sanitize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rigspec.fs.atomic_tree import OutputFile
    from rigspec.plan.model import Plan
    from rigspec.spec.loader import LoadedSpec
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rigspec.backend.size_limits import OutputTooLarge
    from rigspec.spec.loader import LoadedSpec

__all__ = ["compile_", "report_output_too_large"]


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
    from rigspec.cli.lockfile import ensure_digests, fresh_lock, locked_before, warn_unpinned
    from rigspec.lock.paths import lock_directory
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
    from rigspec.backend.discovery import BackendError, find_backends
    from rigspec.backend.render import compile_plan, omissions
    from rigspec.backend.size_limits import OutputTooLarge
    from rigspec.fs.atomic_tree import TreeError, write_tree_atomically

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
            typer.echo(sanitize(str(output / backend.name / file.path)))
        for left in omissions(plan, backend):
            status(f"  leaves out {left.item}: {left.reason}", quiet=quiet)


def _whole(output: Path, trees: Mapping[str, tuple[OutputFile, ...]]) -> list[OutputFile]:
    """The new targets with those that were compiled before: one tree, swapped in at once."""
    from rigspec.fs.atomic_tree import OutputFile, read_tree

    kept = [file for file in read_tree(output) if file.path.partition("/")[0] not in trees]
    new = [
        OutputFile(f"{name}/{file.path}", file.content, file.mode)
        for name, files in trees.items()
        for file in files
    ]
    return [*kept, *new]


def report_output_too_large(spec: LoadedSpec, machine: str | None, error: OutputTooLarge) -> None:
    """The error with its place in the spec, on stderr."""
    from rigspec.diagnostics.model import Diagnostic, Fact, Report, Severity

    table = spec.rig.machine.get(machine) if machine is not None else None
    key = "instance" if table is not None and table.instance else "kind"
    place = ("machine", machine, key) if machine is not None else ("name",)
    limit = error.limit
    found = Diagnostic(
        code="RS605",
        severity=Severity.ERROR,
        message=(
            f"{error.path} has {error.size} bytes at its shortest; {limit.provider} takes "
            f"{limit.size}"
        ),
        spans=(spec.document.span(place, label=f"{limit.size} bytes at most"),),
        facts=(
            Fact(
                id=f"{limit.path}/{limit.provider}",
                statement=f"{limit.provider} takes {limit.path} of {limit.size} bytes at most",
                sources=(limit.source,),
            ),
        ),
        help=tuple(_advice(error)),
    )
    report = Report(spec.document.file, machine, "invalid", None, (found,))
    show(report, {spec.document.file: spec.document.text})


def _advice(error: OutputTooLarge) -> Iterator[str]:
    if not error.named:
        yield (
            "the spec names no provider, so the narrowest counts: begin `instance` with its "
            f'name, as in "{error.limit.provider} …"'
        )
    if error.seeded:
        yield "compile with --target shell, and run that installer from an image of your own"
    else:
        yield (
            'write `seed = "https://…"` under [mirrors] and put the files of cloud-init/seed/ '
            "there: the first boot then fetches the rest and checks it"
        )
