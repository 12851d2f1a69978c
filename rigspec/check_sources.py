"""Check files of other programs as one rig, as `rigspec check requirements.txt` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rigspec.check import check_machine
from rigspec.diagnostics.model import Report
from rigspec.importing.registry import ImportedFile
from rigspec.importing.relocate import add_clashes, relocate_report
from rigspec.importing.spec_writer import ImportedRig, write_rig
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.resolve.problem.requirements import uses_gpu
from rigspec.spec.loader import InvalidSpec, LoadedSpec, parse_spec

__all__ = ["SourceCheck", "check_imported_files"]


@dataclass(frozen=True)
class SourceCheck:
    """The rig of the files, and its report with positions in the files.

    ``spec`` is None if the rig is invalid.
    """

    rig: ImportedRig
    report: Report
    spec: LoadedSpec | None


def check_imported_files(files: Sequence[ImportedFile]) -> SourceCheck:
    """Check the rig of all files, on a machine with a GPU if they need one."""
    rig = write_rig(files, "imported")
    names = tuple(dict.fromkeys(s.file for file in files for s in (file.source, *file.included)))
    try:
        spec = parse_spec(names[0], rig.text)
    except InvalidSpec as error:
        report = Report(names[0], None, "invalid", None, error.diagnostics)
        return SourceCheck(rig, relocate_report(report, rig, names), None)
    report = _check(spec)
    machine = next(iter(spec.rig.machine.values()), None)
    if (rig.names_cuda or report.status == "conflict") and not uses_gpu(spec.rig, machine):
        # The files do not say whether the machine has a GPU. One with CUDA does.
        assumed = write_rig(files, "imported", assume_gpu=True)
        assumed_spec = parse_spec(names[0], assumed.text)
        other = _check(assumed_spec)
        if rig.names_cuda or other.status == "ok":
            rig, report, spec = assumed, other, assumed_spec
    return SourceCheck(rig, add_clashes(relocate_report(report, rig, names), rig.clashes), spec)


def _check(spec: LoadedSpec) -> Report:
    machine = next(iter(spec.rig.machine), None)
    return check_machine(spec, machine, load_required_matrix(spec.rig, machine), installable=False)
