"""The stages that commands share: read a spec, select machines, load the matrix, resolve."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rigspec.cli.common.spec_paths import STDIN_NAME
from rigspec.cli.console import fail, fail_unknown, print_status, show
from rigspec.diagnostics.model import Report
from rigspec.importing.env_files import SpecWithFiles, load_spec_with_files
from rigspec.resolution import Resolution
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import InvalidSpec, LoadedSpec

__all__ = ["open_spec", "resolve_or_exit", "select_machine", "select_machines"]

_MAX_STDIN = 1 << 22  # characters


def open_spec(path: Path) -> LoadedSpec:
    """Return the spec; print its errors and exit with status 2 if it is invalid."""
    text = sys.stdin.read(_MAX_STDIN) if path == STDIN_NAME else None
    try:
        loaded = load_spec_with_files(str(path), text)
    except InvalidSpec as error:
        report = Report(str(path), None, "invalid", None, error.diagnostics)
        show(report, {str(path): error.text or ""})
        raise SystemExit(2) from None
    report_omissions(loaded)
    return loaded.spec


def report_omissions(loaded: SpecWithFiles) -> None:
    """Print the parts of the files of environments that the rig does not have."""
    for each in loaded.omissions:
        print_status(f"not imported: {each.file}:{each.line}: {each.text} ({each.reason})")


def select_machines(spec: LoadedSpec, machine: str | None) -> tuple[str | None, ...]:
    """Return the requested machine, else all machines; exit with status 2 if it is unknown.

    A spec without machines has one unnamed machine.
    """
    names = tuple(spec.rig.machine)
    if machine is None:
        return names or (None,)
    if machine not in names:
        fail_unknown(
            f"no machine `{machine}` in {spec.document.file}",
            machine,
            names,
            otherwise=f"name one of {', '.join(names)}" if names else "omit --machine",
        )
    return (machine,)


def select_machine(spec: LoadedSpec, machine: str | None) -> str | None:
    """Return the requested machine, else the only one; exit with status 2 if there are several."""
    names = select_machines(spec, machine)
    if len(names) > 1:
        listed = ", ".join(str(name) for name in names)
        fail(
            f"{spec.document.file} declares {len(names)} machines",
            status=2,
            help_text=f"name one with --machine: {listed}",
        )
    return names[0]


def resolve_or_exit(
    spec: LoadedSpec,
    machine: str | None,
    previous: Resolution | None = None,
    update_names: Sequence[str] = (),
) -> Report:
    """Return the report of a machine; print its errors and exit if it has no resolution.

    Args:
        spec: the rig.
        machine: the name of its machine.
        previous: the locked resolution, which is kept as far as possible.
        update_names: components that may move away from it.
    """
    # A current lock is read without resolving.
    from rigspec.check import check_machine

    matrix = load_required_matrix(spec.rig, machine)
    report = check_machine(spec, machine, matrix, kept=previous, moving=update_names)
    if report.resolution is None:
        show(report, {spec.document.file: spec.document.text})
        raise SystemExit(2 if report.status == "invalid" else 1)
    return report
