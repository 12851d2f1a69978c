"""The check of a spec without a cached result, and of files of other programs as one rig."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rigspec.check import check_machine, list_errors
from rigspec.cli.common.pipeline import load_matrix_for, report_omissions, select_machines
from rigspec.cli.console import print_status
from rigspec.diagnostics.model import Diagnostic, Report
from rigspec.importing.env_files import load_spec_with_files
from rigspec.spec.loader import InvalidSpec, LoadedSpec, parse_spec

__all__ = ["check_sources", "check_spec"]


def check_spec(path: Path, machine: str | None) -> tuple[list[Report], str]:
    """Return a report for each machine of the spec, and the text of the spec."""
    try:
        loaded = load_spec_with_files(str(path))
    except InvalidSpec as error:
        found = dict.fromkeys([*error.diagnostics, *_list_other_errors(error.rest, machine)])
        return [Report(str(path), None, "invalid", None, tuple(found))], error.text or ""
    report_omissions(loaded)
    spec = loaded.spec
    machines = select_machines(spec, machine)
    reports = [check_machine(spec, name, load_matrix_for(spec, name)) for name in machines]
    return reports, spec.document.text


def _list_other_errors(spec: LoadedSpec | None, machine: str | None) -> Iterator[Diagnostic]:
    """Yield the errors of the valid part of an invalid spec."""
    if spec is None:
        return
    for name in tuple(spec.rig.machine) or (None,):
        if machine in (None, name):
            yield from list_errors(spec, name, load_matrix_for(spec, name))


def check_sources(paths: Sequence[Path]) -> tuple[list[Report], dict[str, str]]:
    """Return the reports of the rig of all files, and the text of each file."""
    # Imported here: the check of a spec needs none of it.
    from rigspec.cli.common.source_files import open_sources
    from rigspec.importing.relocate import add_clashes, relocate_report
    from rigspec.importing.spec_writer import write_rig
    from rigspec.resolve.problem.requirements import uses_gpu

    files = open_sources(paths)
    rig = write_rig(files, "imported")
    sources = [source for file in files for source in (file.source, *file.included)]
    texts = {source.file: source.text for source in sources}
    contradicting = {clash.omission for clash in rig.clashes}
    for each in (omission for omission in rig.omissions if omission not in contradicting):
        print_status(f"not checked: {each.file}:{each.line}: {each.text} ({each.reason})")
    names = tuple(dict.fromkeys(texts))
    try:
        spec = parse_spec(names[0], rig.text)
    except InvalidSpec as error:
        report = Report(names[0], None, "invalid", None, error.diagnostics)
        return [relocate_report(report, rig, names)], texts
    report = _check_imported(spec)
    machine = next(iter(spec.rig.machine.values()), None)
    if (rig.names_cuda or report.status == "conflict") and not uses_gpu(spec.rig, machine):
        # The files do not say whether the machine has a GPU. One with CUDA does.
        assumed = write_rig(files, "imported", assume_gpu=True)
        other = _check_imported(parse_spec(names[0], assumed.text))
        if rig.names_cuda or other.status == "ok":
            rig, report = assumed, other
    return [add_clashes(relocate_report(report, rig, names), rig.clashes)], texts


def _check_imported(spec: LoadedSpec) -> Report:
    (machine,) = select_machines(spec, None)
    return check_machine(spec, machine, load_matrix_for(spec, machine), installable=False)
