"""The check of a spec without a cached result, and of files of other programs as one rig."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rigspec.check import check_machine, list_errors
from rigspec.cli.common.pipeline import report_omissions, select_machines
from rigspec.cli.console import print_status
from rigspec.diagnostics.model import Diagnostic, Report
from rigspec.frozen import dataclass
from rigspec.importing.env_files import load_spec_with_files
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import InvalidSpec, LoadedSpec
from rigspec.spec.models.rig import Rig

__all__ = ["SpecReports", "check_sources", "check_spec"]


@dataclass(frozen=True)
class SpecReports:
    """A report for each machine of a spec, and the text of the spec.

    ``is_cacheable`` is false where the result depends on the other packages that are installed.
    """

    reports: list[Report]
    text: str
    is_cacheable: bool


def check_spec(path: Path, machine: str | None, text: str | None = None) -> SpecReports:
    """Check each machine of a spec. ``text`` replaces the content of the file."""
    try:
        loaded = load_spec_with_files(str(path), text)
    except InvalidSpec as error:
        found = dict.fromkeys([*error.diagnostics, *_list_other_errors(error.rest, machine)])
        invalid = Report(str(path), None, "invalid", None, tuple(found))
        # A package that is installed later can bring a service that is unknown now.
        return SpecReports([invalid], error.text or "", is_cacheable=False)
    report_omissions(loaded)
    spec = loaded.spec
    machines = select_machines(spec, machine)
    reports = [check_machine(spec, name, load_required_matrix(spec.rig, name)) for name in machines]
    # The tables of services of other packages make another model.
    return SpecReports(reports, spec.document.text, is_cacheable=type(spec.rig) is Rig)


def _list_other_errors(spec: LoadedSpec | None, machine: str | None) -> Iterator[Diagnostic]:
    """Yield the errors of the valid part of an invalid spec."""
    if spec is None:
        return
    for name in tuple(spec.rig.machine) or (None,):
        if machine in (None, name):
            yield from list_errors(spec, name, load_required_matrix(spec.rig, name))


def check_sources(
    paths: Sequence[Path], stdin: str | None = None
) -> tuple[list[Report], dict[str, str]]:
    """Return the reports of the rig of all files, and the text of each file."""
    # Imported here: the check of a spec needs none of it.
    from rigspec.check_sources import check_imported_files
    from rigspec.cli.common.source_files import open_sources

    files = open_sources(paths, stdin)
    sources = [source for file in files for source in (file.source, *file.included)]
    texts = {source.file: source.text for source in sources}
    checked = check_imported_files(files)
    contradicting = {clash.omission for clash in checked.rig.clashes}
    for each in (o for o in checked.rig.omissions if o not in contradicting):
        print_status(f"not checked: {each.file}:{each.line}: {each.text} ({each.reason})")
    return [checked.report], texts
