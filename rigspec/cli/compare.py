"""``rigspec compare``: two machines of one rig, side by side."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rigspec.cli.console import fail, show, status, write_text
from rigspec.cli.pipeline import chosen_machines, matrix_for, open_spec

if TYPE_CHECKING:
    from rigspec.compare.cost import Terms
    from rigspec.compare.model import Comparison
    from rigspec.compare.software import UsableLock
    from rigspec.diagnostics.model import Report
    from rigspec.spec.loader import LoadedSpec

__all__ = ["compare"]

# The target whose compiled files are held against each other.
_TARGET = "cloud-init"


class Format(str, Enum):
    """How to tell."""

    text = "text"
    json = "json"
    html = "html"


def compare(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="The rig of both machines.")],
    a: Annotated[str, typer.Argument(metavar="A", help="One machine, by its name in the spec.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other machine.")],
    format_: Annotated[
        Format, typer.Option("--format", help="text, json, or html: one page without scripts.")
    ] = Format.text,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it there.")
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option("--hours", min=0, max=24, help="Hours a day that both compute."),
    ] = None,
    kwh_price: Annotated[
        str | None,
        typer.Option("--kwh-price", metavar="PRICE", help="Price of a kWh: '0.30 EUR/kWh'."),
    ] = None,
    rate: Annotated[
        list[str] | None,
        typer.Option(
            "--rate", metavar="RATE", help="A currency in another, never assumed: 'EUR=1.16 USD'."
        ),
    ] = None,
    lock: Annotated[
        Path | None, typer.Option("--lock", metavar="DIR", help="Folder of the lock.")
    ] = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit 1 unless the software is the same.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
) -> None:
    """Hold two machines of one rig against each other.

    Is the software the same, from their locks and compiled cloud-init files, item by item? What
    differs in their parts? What does each cost, and when has a bought one paid for itself? Which
    releases can run on one and not on the other, and why?

    Exit status 0 if they were compared, 1 if one of them cannot exist (and, with --exit-code, if
    their software differs or could not be compared), 2 for a wrong spec or command line.
    """
    import gc

    gc.enable()
    loaded = open_spec(spec)
    names = _names(loaded, a, b)
    terms = _terms(hours, kwh_price, rate or [])
    found, conflict = _compared(loaded, names, lock, spec, terms, quiet)
    _write(_rendered(found, format_), output, quiet)
    if conflict or (exit_code and not found.software.equal):
        raise typer.Exit(1)


def _names(spec: LoadedSpec, a: str, b: str) -> tuple[str, str]:
    for name in (a, b):
        chosen_machines(spec, name)
    if a == b:
        fail(f"{a} is {b}: name two machines; {_all_of(spec)}", status=2)
    return a, b


def _all_of(spec: LoadedSpec) -> str:
    names = tuple(spec.rig.machine)
    only = "only " if len(names) == 1 else ""
    return f"{spec.document.file} has {only}{', '.join(names)}"


def _terms(hours: float | None, kwh_price: str | None, rates: list[str]) -> Terms:
    from rigspec.compare.cost import Rate, Terms
    from rigspec.spec.quantities import EnergyPrice

    electricity = None
    if kwh_price is not None:
        try:
            parsed = EnergyPrice.parse(kwh_price)
        except ValueError as error:
            fail(f"--kwh-price `{kwh_price}`: {error}", status=2)
        electricity = EnergyPrice(parsed.amount, parsed.unit)
    told = []
    for text in rates:
        try:
            told.append(Rate.parse(text))
        except ValueError as error:
            fail(f"--rate `{text}`: {error}", status=2)
    day = None if hours is None else Decimal(str(hours))
    try:
        return Terms(day, electricity, tuple(told))
    except ValueError as error:
        fail(f"--rate: {error}", status=2)


def _compared(
    spec: LoadedSpec,
    names: tuple[str, str],
    lock: Path | None,
    path: Path,
    terms: Terms,
    quiet: bool,
) -> tuple[Comparison, bool]:
    """The comparison, and whether one of the machines cannot exist."""
    from rigspec.check import check_machine
    from rigspec.cli.lockfile import locked_before
    from rigspec.compare.comparison import Question, compare_machines
    from rigspec.lock.paths import lock_directory
    from rigspec.matrix.loader import load_matrix

    directory = lock or lock_directory(path, spec.rig.name)
    kept = locked_before(directory)
    matrices = {name: matrix_for(spec, name) for name in spec.rig.machine}
    reports = {
        name: check_machine(spec, name, matrix, repairs=False, kept=kept.get(name))
        for name, matrix in matrices.items()
    }
    pair = (reports[names[0]], reports[names[1]])
    for report in pair:
        _tell(spec, report)
    conflict = any(report.resolution is None for report in pair)
    held, why_no_lock = _held(spec, tuple(reports.values()), directory, conflict)
    if why_no_lock and not conflict:
        status(f"warning: {why_no_lock}", quiet=quiet)
    question = Question(spec, names, matrices, load_matrix(), pair, held, why_no_lock, terms)
    return compare_machines(question), conflict


def _tell(spec: LoadedSpec, report: Report) -> None:
    """The errors of a machine that cannot exist; names that nobody knows end everything."""
    from rigspec.diagnostics.render.summary import drop_warnings

    if report.resolution is None:
        show(drop_warnings(report), {spec.document.file: spec.document.text})
    if report.status == "invalid":
        raise typer.Exit(2)


def _held(
    spec: LoadedSpec, reports: tuple[Report, ...], directory: Path, conflict: bool
) -> tuple[UsableLock | None, str]:
    """The lock if it can be used, else why not; one that somebody has changed is an error."""
    from rigspec.backend.discovery import find_backends
    from rigspec.compare.software import UsableLock
    from rigspec.lock.lockfile import CorruptLock, NoLock, read_lock
    from rigspec.lock.staleness import differences

    if conflict:
        return None, ""
    try:
        lock, digest = read_lock(directory)
    except NoLock as error:
        return None, error.diagnostic.message
    except CorruptLock as error:
        fail(f"{error.diagnostic.code}: {error.diagnostic.message}", status=1)
    resolutions = [report.resolution for report in reports if report.resolution is not None]
    stale = [d for d in differences(lock, spec.rig, resolutions) if d.severity.value == "error"]
    if stale:
        return None, stale[0].message
    backend = next(found for found in find_backends() if found.name == _TARGET)
    return UsableLock(lock, digest, backend), ""


def _rendered(comparison: Comparison, format_: Format) -> str:
    if format_ is Format.json:
        from rigspec.compare.render.json import render_json

        return render_json(comparison)
    if format_ is Format.html:
        from rigspec.compare.render.html import render_html

        return render_html(comparison)
    from rigspec.compare.render.text import render_text

    return render_text(comparison)


def _write(text: str, output: Path | None, quiet: bool) -> None:
    if output is None:
        typer.echo(text, nl=False)
        return
    write_text(output, text, parents=True)
    status(f"wrote {output}", quiet=quiet)
