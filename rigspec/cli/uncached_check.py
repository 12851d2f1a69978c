"""The check of a spec without a cached result."""

from __future__ import annotations

from pathlib import Path

from rigspec.check import check_machine
from rigspec.cli.common.pipeline import matrix_for, select_machines
from rigspec.diagnostics.model import Report
from rigspec.spec.loader import InvalidSpec, load_spec

__all__ = ["check_spec"]


def check_spec(path: Path, machine: str | None) -> tuple[list[Report], str]:
    """Return a report for each machine of the spec, and the text of the spec."""
    try:
        spec = load_spec(str(path))
    except InvalidSpec as error:
        return [Report(str(path), None, "invalid", None, error.diagnostics)], error.text or ""
    machines = select_machines(spec, machine)
    reports = [check_machine(spec, name, matrix_for(spec, name)) for name in machines]
    return reports, spec.document.text
