"""The check of a spec without a cached result, and of files of other programs as one rig."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rigspec.check import check_machine
from rigspec.cli.common.pipeline import load_matrix_for, report_omissions, select_machines
from rigspec.cli.console import print_status
from rigspec.diagnostics.model import Report
from rigspec.importing.env_files import load_spec_with_files
from rigspec.spec.loader import InvalidSpec, parse_spec

__all__ = ["check_sources", "check_spec"]


def check_spec(path: Path, machine: str | None) -> tuple[list[Report], str]:
    """Return a report for each machine of the spec, and the text of the spec."""
    try:
        loaded = load_spec_with_files(str(path))
    except InvalidSpec as error:
        return [Report(str(path), None, "invalid", None, error.diagnostics)], error.text or ""
    report_omissions(loaded)
    spec = loaded.spec
    machines = select_machines(spec, machine)
    reports = [check_machine(spec, name, load_matrix_for(spec, name)) for name in machines]
    return reports, spec.document.text


def check_sources(paths: Sequence[Path]) -> tuple[list[Report], dict[str, str]]:
    """Return the reports of the rig of all files, and the text of each file."""
    # Imported here: the check of a spec needs none of it.
    from rigspec.cli.common.source_files import open_sources
    from rigspec.importing.relocate import relocate_report
    from rigspec.importing.spec_writer import write_rig

    files = open_sources(paths)
    rig = write_rig(files, "imported")
    sources = [source for file in files for source in (file.source, *file.included)]
    texts = {source.file: source.text for source in sources}
    for each in rig.omissions:
        print_status(f"not checked: {each.file}:{each.line}: {each.text} ({each.reason})")
    names = tuple(dict.fromkeys(texts))
    try:
        spec = parse_spec(names[0], rig.text)
    except InvalidSpec as error:
        report = Report(names[0], None, "invalid", None, error.diagnostics)
        return [relocate_report(report, rig, names)], texts
    reports = [
        check_machine(spec, name, load_matrix_for(spec, name), installable=False)
        for name in select_machines(spec, None)
    ]
    return [relocate_report(report, rig, names) for report in reports], texts
