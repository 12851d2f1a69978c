"""The work of ``rigspec compile``, apart from Typer."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
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
from rigspec.cli.common.pipeline import open_spec, select_machine
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
    """Write the requested targets, or compare them with the output folder."""
    spec = locate_file(arguments.spec or find_spec())
    output, quiet = arguments.output, arguments.quiet
    backends = _select_backends(arguments.targets, quiet=quiet)
    loaded = open_spec(spec)
    name = select_machine(loaded, arguments.machine)
    directory = arguments.lock or find_lock_directory(spec, loaded.rig.name)
    rig_lock, digest = load_lock_of_spec(loaded, directory, strict=arguments.locked)
    machines = [each for each in rig_lock.machines if each.resolution.machine == name]
    if arguments.require_digests:
        ensure_digests(loaded, machines)
    has_base_image = any(backend.has_base_image for backend in backends)
    warn_unpinned(machines, quiet=quiet, has_base_image=has_base_image)
    plan = build_plan(loaded.rig, rig_lock, name, digest)
    try:
        with report_missing_extra():
            targets = [
                WrittenTarget.of(plan, backend, compile_plan(plan, backend)) for backend in backends
            ]
        source = _describe_input(loaded, rig_lock, plan, machines)
        if arguments.check:
            _verify(output, source, plan, targets, quiet=quiet)
            return
        update_tree_atomically(
            output, lambda earlier: _merge(output, earlier, source, plan, targets)
        )
    except OutputTooLarge as error:
        report_output_too_large(loaded, plan.machine, error)
        raise SystemExit(1) from None
    except BackendError as error:
        fail(f"RS603: {error}", status=2)
    except TreeError as error:
        fail(f"RS604: {error}", status=2, help_text=error.diagnostic.help[0])
    if arguments.format == "json":
        values = [written.as_dict(output) for written in targets]
        value = {"schema": 1, "machine": name, "targets": values}
        echo(sanitize_json(json.dumps(value, indent=2, ensure_ascii=False)))
        return
    known = frozenset(f"pinning of {item.what}" for each in machines for item in each.unpinned)
    detail: Detail = "all" if arguments.verbose else "reasons" if len(targets) == 1 else "count"
    for line in describe_targets(targets, output, known, detail):
        print_status(line, quiet=quiet)


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


def _describe_input(
    spec: LoadedSpec, lock: Lock, plan: Plan, machines: Sequence[LockedMachine]
) -> CompilationInput:
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


def _verify(
    output: Path,
    source: CompilationInput,
    plan: Plan,
    targets: Sequence[WrittenTarget],
    *,
    quiet: bool,
) -> None:
    """Exit with status 1 unless the folder has exactly the files of these targets."""
    earlier = read_tree(output)
    names = {target.name for target in targets}
    expected = {
        file.path: (file.content, file.mode)
        for file in (*_new_files(targets), _provenance(source, earlier, targets))
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


def _merge(
    output: Path,
    earlier: Sequence[OutputFile],
    source: CompilationInput,
    plan: Plan,
    targets: Sequence[WrittenTarget],
) -> list[OutputFile]:
    """Return the new targets and the other targets in the folder, which is replaced as a whole.

    Raises:
        TreeError: A file of a target that is compiled again was edited.
    """
    names = {TARGETS, PROVENANCE, *(target.name for target in targets)}
    edited = [path for path in list_changed_files(output) if _target_of(path) in names]
    if edited:
        raise TreeError(output, f"contains files that were edited: {', '.join(edited)}")
    others = [file for file in earlier if _target_of(file.path) not in names]
    listing = build_targets_file(output, earlier, plan, targets)
    return [*others, *_new_files(targets), listing, _provenance(source, earlier, targets)]


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
