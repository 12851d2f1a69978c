"""The work of ``rigspec compile``, apart from Typer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from rigspec.backend.discovery import Backend, BackendError, find_backends
from rigspec.backend.provenance import PROVENANCE, CompilationInput, build_provenance_file
from rigspec.backend.render import compile_plan
from rigspec.backend.size_limits import OutputTooLarge
from rigspec.cli.arguments.compile import CompileArguments
from rigspec.cli.common.extras import EXTRAS, report_missing_extra
from rigspec.cli.common.lockfile import (
    ensure_digests,
    find_lock_directory,
    load_lock_of_spec,
    warn_unpinned,
)
from rigspec.cli.common.pipeline import open_spec, select_machines
from rigspec.cli.common.spec_paths import find_spec, locate_file
from rigspec.cli.common.written_targets import (
    TARGETS,
    Detail,
    WrittenTarget,
    build_targets_file,
    describe_targets,
)
from rigspec.cli.console import echo, fail, fail_unknown, print_status, show
from rigspec.diagnostics.model import Diagnostic, Fact, Report, Severity
from rigspec.diagnostics.sanitize import sanitize_json
from rigspec.frozen import dataclass
from rigspec.fs.atomic_tree import (
    OutputFile,
    TreeError,
    list_changed_files,
    read_tree,
    update_tree_atomically,
)
from rigspec.lock.model import Lock, LockedMachine
from rigspec.plan.build import build_plan
from rigspec.plan.model import Plan
from rigspec.spec.loader import LoadedSpec

__all__ = ["report_output_too_large", "run_compile"]


def run_compile(arguments: CompileArguments) -> None:
    """Write the requested targets, or compare them with the output folder.

    Of several machines each has a folder with its name.
    """
    spec = locate_file(arguments.spec or find_spec())
    quiet = arguments.quiet
    backends = _select_backends(arguments.targets, quiet=quiet)
    loaded = open_spec(spec)
    names = select_machines(loaded, arguments.machine)
    directory = arguments.lock or find_lock_directory(spec, loaded.rig.name)
    rig_lock, digest = load_lock_of_spec(loaded, directory, strict=arguments.locked)
    locked = [each for each in rig_lock.machines if each.resolution.machine in names]
    if arguments.require_digests:
        ensure_digests(loaded, locked)
    has_base_image = any(backend.has_base_image for backend in backends)
    warn_unpinned(locked, quiet=quiet, has_base_image=has_base_image)
    plans = [build_plan(loaded.rig, rig_lock, name, digest) for name in names]
    # All machines are rendered before the files of the first are written.
    machines = [_compile(loaded, rig_lock, plan, backends, arguments, names) for plan in plans]
    try:
        for machine in machines:
            if arguments.check:
                _verify(machine, quiet=quiet)
            else:
                update_tree_atomically(machine.output, partial(_merge, machine))
    except TreeError as error:
        fail(f"RS604: {error}", status=2, help_text=error.diagnostic.help[0])
    if not arguments.check:
        _report(machines, locked, arguments)


@dataclass(frozen=True)
class _CompiledMachine:
    """The targets of one machine, and the folder that they are written to."""

    plan: Plan
    source: CompilationInput
    targets: tuple[WrittenTarget, ...]
    output: Path


def _compile(
    loaded: LoadedSpec,
    lock: Lock,
    plan: Plan,
    backends: Sequence[Backend],
    arguments: CompileArguments,
    names: Sequence[str | None],
) -> _CompiledMachine:
    """Render the targets of a machine; exit with the error of one that cannot be."""
    try:
        with report_missing_extra():
            targets = tuple(
                WrittenTarget.of(plan, backend, compile_plan(plan, backend)) for backend in backends
            )
    except OutputTooLarge as error:
        report_output_too_large(loaded, plan.machine, error)
        raise SystemExit(1) from None
    except BackendError as error:
        fail(f"RS603: {error}", status=2)
    folder = plan.machine if len(names) > 1 else None
    output = arguments.output / folder if folder is not None else arguments.output
    return _CompiledMachine(plan, _describe_input(loaded, lock, plan), targets, output)


def _report(
    machines: Sequence[_CompiledMachine],
    locked: Sequence[LockedMachine],
    arguments: CompileArguments,
) -> None:
    """Print what was written."""
    if arguments.format == "json":
        values = [
            {
                "machine": machine.plan.machine,
                "targets": [written.as_dict(machine.output) for written in machine.targets],
            }
            for machine in machines
        ]
        value = {"schema": 1, **(values[0] if len(values) == 1 else {"machines": values})}
        echo(sanitize_json(json.dumps(value, indent=2, ensure_ascii=False)))
        return
    known = frozenset(f"pinning of {item.what}" for each in locked for item in each.unpinned)
    is_short = len(machines) > 1 or len(machines[0].targets) > 1
    detail: Detail = "all" if arguments.verbose else "count" if is_short else "reasons"
    lines = [
        line
        for machine in machines
        for line in describe_targets(machine.targets, machine.output, known, detail)
    ]
    # A note about all machines is printed once, at the end.
    for line in reversed(dict.fromkeys(reversed(lines))):
        print_status(line, quiet=arguments.quiet)


def report_output_too_large(spec: LoadedSpec, machine: str | None, error: OutputTooLarge) -> None:
    """Print the error with its place in the spec."""
    table = spec.rig.machine.get(machine) if machine is not None else None
    key = "instance" if table is not None and table.instance else "kind"
    path = ("machine", machine, key) if machine is not None else ("name",)
    limit = error.limit
    diagnostic = Diagnostic(
        code="RS605",
        severity=Severity.ERROR,
        message=(
            f"{error.path} has at least {error.size} bytes, but {limit.provider} accepts "
            f"{limit.size}"
        ),
        spans=(spec.document.span(path, label=f"at most {limit.size} bytes"),),
        facts=(
            Fact(
                id=f"{limit.path}/{limit.provider}",
                statement=f"{limit.provider} accepts {limit.path} of at most {limit.size} bytes",
                sources=(limit.source,),
            ),
        ),
        help=tuple(_remedies(error)),
    )
    report = Report(spec.document.file, machine, "invalid", None, (diagnostic,))
    show(report, {spec.document.file: spec.document.text})


def _remedies(error: OutputTooLarge) -> Iterator[str]:
    if not error.named:
        yield (
            f'start `instance` with the provider, as in "{error.limit.provider} …"; without one '
            "the smallest limit applies"
        )
    if error.seeded:
        yield "compile with `--target shell` and run that installer from a custom image"
    else:
        yield (
            'set `seed = "https://…"` in [mirrors] and upload the files of cloud-init/seed/ there: '
            "the first boot downloads and verifies the rest"
        )


def _select_backends(requested: Sequence[str], *, quiet: bool) -> Sequence[Backend]:
    targets = [name.strip() for each in requested for name in each.split(",") if name.strip()]
    try:
        backends = find_backends(targets)
        if not {backend.name for backend in backends}.issuperset(targets):
            backends = find_backends()
    except BackendError as error:
        fail(f"RS603: {error}", status=2)
    names = [backend.name for backend in backends]
    for target in targets:
        if target not in ("all", *names):
            fail_unknown(
                f"RS601: unknown target `{target}`",
                target,
                names,
                otherwise=f"use one of {', '.join(names)}, or all",
            )
    if "all" not in targets:
        return [backend for backend in backends if backend.name in targets]
    usable = [
        backend
        for backend in backends
        if backend.name in targets or backend.missing_library() is None
    ]
    for backend in backends:
        if backend not in usable:
            extra = EXTRAS.get(backend.missing_library() or "")
            line = f"note: not written: {backend.title} (needs the extra `{extra}` of rigspec)"
            print_status(line, quiet=quiet)
    return usable


def _describe_input(spec: LoadedSpec, lock: Lock, plan: Plan) -> CompilationInput:
    machines = [each for each in lock.machines if each.resolution.machine == plan.machine]
    items = [(item.what, item.reason) for each in machines for item in each.unpinned]
    return CompilationInput(
        rig=plan.rig,
        machine=plan.machine,
        spec_name=Path(spec.document.file).name,
        spec_sha256=hashlib.sha256(spec.document.text.encode()).hexdigest(),
        lock_sha256=plan.lock_digest,
        matrix_sha256=lock.matrix_digest,
        unpinned=tuple(items),
    )


def _verify(machine: _CompiledMachine, *, quiet: bool) -> None:
    """Exit with status 1 unless the folder has exactly the files of these targets."""
    output, targets = machine.output, machine.targets
    earlier = read_tree(output)
    names = {target.name for target in targets}
    expected = {
        file.path: (file.content, file.mode)
        for file in (*_new_files(targets), _provenance(machine.source, earlier, targets))
    }
    found = {
        path.relative_to(output).as_posix(): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in output.rglob("*")
        if path.is_file()
    }
    checked = {path for path in found if _target_of(path) in names} | expected.keys()
    different = sorted(path for path in checked if found.get(path) != expected.get(path))
    if different:
        fail(
            f"{output} differs from its spec and lock: {', '.join(different)}",
            status=1,
            help_text="compile again into an empty folder, and compare",
        )
    print_status(f"{output} is what its spec and lock give", quiet=quiet)


def _merge(machine: _CompiledMachine, earlier: Sequence[OutputFile]) -> list[OutputFile]:
    """Return the new targets and the other targets in the folder, which is replaced as a whole.

    Raises:
        TreeError: A file of a target that is compiled again was edited.
    """
    output, targets = machine.output, machine.targets
    names = {TARGETS, PROVENANCE, *(target.name for target in targets)}
    edited = [path for path in list_changed_files(output) if _target_of(path) in names]
    if edited:
        raise TreeError(output, f"contains files that were edited: {', '.join(edited)}")
    others = [file for file in earlier if _target_of(file.path) not in names]
    listing = build_targets_file(output, earlier, machine.plan, targets)
    return [*others, *_new_files(targets), listing, _provenance(machine.source, earlier, targets)]


def _new_files(targets: Sequence[WrittenTarget]) -> list[OutputFile]:
    return [
        OutputFile(f"{target.name}/{file.path}", file.content, file.mode)
        for target in targets
        for file in target.files
    ]


def _provenance(
    source: CompilationInput, earlier: Sequence[OutputFile], targets: Sequence[WrittenTarget]
) -> OutputFile:
    names = {target.name for target in targets}
    others = {_target_of(file.path) for file in earlier} - names
    before = next((file for file in earlier if file.path == PROVENANCE), None)
    return build_provenance_file(
        source, [(target.name, target.files) for target in targets], before, others
    )


def _target_of(path: str) -> str:
    return path.partition("/")[0]
