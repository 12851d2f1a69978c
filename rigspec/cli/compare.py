"""``rigspec compare``: compare two machines of a rig."""

from __future__ import annotations

import gc
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import typer

from rigspec.backend.discovery import find_backends
from rigspec.check import check_machine
from rigspec.cli.common.completion import complete_machines
from rigspec.cli.common.lockfile import (
    collect_resolutions,
    find_lock_directory,
    load_locked_resolutions,
)
from rigspec.cli.common.options import FORMAT, LockDirectory, Quiet, RequiredSpec
from rigspec.cli.common.output_file import write_text
from rigspec.cli.common.pipeline import open_spec, select_machines
from rigspec.cli.console import fail, print_status, show
from rigspec.compare.comparison import ComparisonRequest, compare_machines
from rigspec.compare.cost import CostTerms, ExchangeRate
from rigspec.compare.model import Comparison
from rigspec.compare.render.html import render_html
from rigspec.compare.render.json import render_json
from rigspec.compare.render.text import render_text
from rigspec.compare.software import UsableLock
from rigspec.diagnostics.model import Report, Severity
from rigspec.diagnostics.render.summary import drop_warnings
from rigspec.lock.lockfile import NoLock, UnusableLock, read_lock
from rigspec.lock.staleness import find_differences
from rigspec.matrix.loader import load_matrix
from rigspec.plan.extensions import ExtensionError
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.quantities import EnergyPrice

__all__ = ["compare"]

# The compiled files of this target are compared.
_TARGET = "cloud-init"
_RENDERERS = {"text": render_text, "json": render_json, "html": render_html}


def compare(
    spec: RequiredSpec,
    a: Annotated[
        str,
        typer.Argument(
            metavar="A",
            help="A machine",
            autocompletion=complete_machines,
            show_default=False,
        ),
    ],
    b: Annotated[
        str,
        typer.Argument(
            metavar="B",
            help="Another machine",
            autocompletion=complete_machines,
            show_default=False,
        ),
    ],
    format_: Annotated[Literal["text", "json", "html"], FORMAT] = "text",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Output file (default: stdout)"),
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option("--hours", min=0, max=24, help="Hours per day that both machines compute"),
    ] = None,
    kwh_price: Annotated[
        str | None,
        typer.Option("--kwh-price", metavar="PRICE", help="Price of a kWh, such as '0.30 EUR/kWh'"),
    ] = None,
    rate: Annotated[
        list[str] | None,
        typer.Option("--rate", metavar="RATE", help="Exchange rate, such as 'EUR=1.16 USD'"),
    ] = None,
    lock: LockDirectory = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 1 unless the software is the same")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Compare two machines of a rig.

    Compares software item by item, hardware, cost, and the releases that each machine can run.

    Exit status: 0 if the machines were compared, 1 if one of them has a conflict (with --exit-code
    also if the software differs or could not be compared), 2 if the spec or an option is invalid.
    """
    gc.enable()
    loaded = open_spec(spec)
    names = _names(loaded, a, b)
    terms = _terms(hours, kwh_price, rate or [])
    directory = lock or find_lock_directory(spec, loaded.rig.name)
    result, has_conflict = _compare(loaded, names, directory, terms, quiet)
    text = _RENDERERS[format_](result)
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_text(output, text, parents=True)
        print_status(f"wrote {output}", quiet=quiet)
    if has_conflict or (exit_code and not result.software.is_equal):
        raise typer.Exit(1)


def _names(spec: LoadedSpec, a: str, b: str) -> tuple[str, str]:
    for name in (a, b):
        select_machines(spec, name)
    if a == b:
        names = ", ".join(spec.rig.machine)
        fail(
            f"cannot compare {a} with itself",
            status=2,
            help_text=f"name two machines; {spec.document.file} has {names}",
        )
    return a, b


def _terms(hours: float | None, kwh_price: str | None, rates: list[str]) -> CostTerms:
    electricity = None
    if kwh_price is not None:
        try:
            price = EnergyPrice.parse(kwh_price)
        except ValueError as error:
            fail(f"--kwh-price `{kwh_price}`: {error}", status=2)
        electricity = EnergyPrice(price.amount, price.unit)
    parsed = []
    for text in rates:
        try:
            parsed.append(ExchangeRate.parse(text))
        except ValueError as error:
            fail(f"--rate `{text}`: {error}", status=2)
    day = None if hours is None else Decimal(str(hours))
    try:
        return CostTerms(day, electricity, tuple(parsed))
    except ValueError as error:
        fail(f"--rate: {error}", status=2)


def _compare(
    spec: LoadedSpec, names: tuple[str, str], directory: Path, terms: CostTerms, quiet: bool
) -> tuple[Comparison, bool]:
    """Return the comparison, and whether one of the machines has a conflict."""
    previous = load_locked_resolutions(directory)
    matrices = {name: load_required_matrix(spec.rig, name) for name in spec.rig.machine}
    reports = {
        name: check_machine(
            spec, name, matrix, repairs=False, installable=False, kept=previous.get(name)
        )
        for name, matrix in matrices.items()
    }
    pair = (reports[names[0]], reports[names[1]])
    for report in pair:
        _show_errors(spec, report)
    has_conflict = any(report.resolution is None for report in pair)
    lock, reason = None, ""
    if not has_conflict:
        lock, reason = _usable_lock(spec, tuple(reports.values()), directory)
    if reason:
        print_status(f"warning: {reason}", quiet=quiet)
    question = ComparisonRequest(spec, names, matrices, load_matrix(), pair, lock, reason, terms)
    try:
        return compare_machines(question), has_conflict
    except ExtensionError as error:
        fail(f"RS603: {error}", status=2)


def _show_errors(spec: LoadedSpec, report: Report) -> None:
    """Print the errors of a machine without a resolution; exit with status 2 on unknown names."""
    if report.resolution is None:
        show(drop_warnings(report), {spec.document.file: spec.document.text})
    if report.status == "invalid":
        raise typer.Exit(2)


def _usable_lock(
    spec: LoadedSpec, reports: tuple[Report, ...], directory: Path
) -> tuple[UsableLock | None, str]:
    """Return the lock, or None and the reason; exit with status 1 if it is corrupt."""
    try:
        lock, digest = read_lock(directory)
    except NoLock as error:
        return None, error.diagnostic.message
    except UnusableLock as error:
        fail(f"{error.diagnostic.code}: {error.diagnostic.message}", status=1)
    changes = find_differences(lock, spec.rig, collect_resolutions(reports))
    outdated = [change for change in changes if change.severity is Severity.ERROR]
    if outdated:
        return None, outdated[0].message
    backend = next(backend for backend in find_backends() if backend.name == _TARGET)
    return UsableLock(lock, digest, backend), ""
