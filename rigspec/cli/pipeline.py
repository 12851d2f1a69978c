"""What several commands begin with: a spec that is read, its machines, their reports."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from rigspec.cli.console import fail, show

if TYPE_CHECKING:
    from rigspec.diagnostics.model import Report
    from rigspec.matrix.model import Matrix
    from rigspec.resolution import Resolution
    from rigspec.spec.loader import LoadedSpec

__all__ = ["chosen_machines", "matrix_for", "open_spec", "resolve_or_exit"]


def open_spec(path: Path) -> LoadedSpec:
    """The spec, or its errors on stderr and exit status 2."""
    from rigspec.diagnostics.model import Report
    from rigspec.spec.loader import InvalidSpec, load_spec

    try:
        return load_spec(str(path))
    except InvalidSpec as error:
        report = Report(str(path), None, "invalid", None, error.diagnostics)
        show(report, {str(path): error.text or ""})
        raise typer.Exit(2) from None


def chosen_machines(spec: LoadedSpec, machine: str | None) -> tuple[str | None, ...]:
    """The machines a command is about: the one asked for, else all; exit status 2 if unknown."""
    names = tuple(spec.rig.machine)
    if machine is None:
        return names or (None,)
    if machine not in names:
        near = get_close_matches(machine, names, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else f"; it has {', '.join(names) or 'none'}"
        fail(f"{spec.document.file} declares no machine `{machine}`{hint}", status=2)
    return (machine,)


def matrix_for(spec: LoadedSpec, machine: str | None) -> Matrix:
    """The part of the matrix that one machine of the rig asks about."""
    from rigspec.matrix.loader import list_product_names, load_matrix
    from rigspec.resolve.problem.builder import required_products

    known = set(list_product_names())
    return load_matrix([name for name in required_products(spec.rig, machine) if name in known])


def resolve_or_exit(
    spec: LoadedSpec,
    machine: str | None,
    kept: Resolution | None = None,
    moving: Sequence[str] = (),
) -> Report:
    """The report of a machine that can exist; otherwise its errors and the exit status.

    What was decided before (``kept``) stays where it can, but for what ``moving`` names.
    """
    from rigspec.check import check_machine

    matrix = matrix_for(spec, machine)
    report = check_machine(spec, machine, matrix, kept=kept, moving=moving)
    if report.resolution is None:
        show(report, {spec.document.file: spec.document.text})
        raise typer.Exit(2 if report.status == "invalid" else 1)
    return report
