"""``rigspec check``: can this rig exist?"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rigspec.cli.console import show
from rigspec.cli.pipeline import chosen_machines, matrix_for
from rigspec.diagnostics.sanitize import sanitize

if TYPE_CHECKING:
    from rigspec.diagnostics.model import Report

__all__ = ["check"]


class Format(str, Enum):
    """How the outcome is written."""

    text = "text"
    json = "json"
    sarif = "sarif"
    github = "github"


def check(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC...", help="Rigs to check.")],
    machine: Annotated[
        str | None, typer.Option("--machine", help="Only this machine of the rig.")
    ] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="text, json, sarif, or github.")
    ] = Format.text,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")] = False,
    cache: Annotated[bool, typer.Option(help="Take the outcome of an unchanged spec.")] = True,
) -> None:
    """Resolve every machine of the rigs; exit 1 on a conflict, 2 on a spec that is wrong."""
    reports: list[Report] = []
    texts: dict[str, str] = {}
    for path in specs:
        found, text = _cached(path, machine) if cache else _reports(path, machine)
        reports += found
        texts[str(path)] = text
    _print(reports, texts, format_, quiet)
    statuses = {report.status for report in reports}
    raise typer.Exit(2 if "invalid" in statuses else 1 if "conflict" in statuses else 0)


def _cached(path: Path, machine: str | None) -> tuple[list[Report], str]:
    from rigspec.cache.check_reports import cache_file, load, store

    try:
        data = path.read_bytes()
        file = cache_file(str(path), data, machine)
        text = data.decode()
    except (OSError, UnicodeDecodeError):
        return _reports(path, machine)
    if file is None:
        return _reports(path, machine)
    known = load(file)
    if known is not None:
        return known, text
    reports, text = _reports(path, machine)
    store(file, reports)
    return reports, text


def _reports(path: Path, machine: str | None) -> tuple[list[Report], str]:
    from rigspec.check import check_machine
    from rigspec.diagnostics.model import Report
    from rigspec.spec.loader import InvalidSpec, load_spec

    try:
        spec = load_spec(str(path))
    except InvalidSpec as error:
        return [Report(str(path), None, "invalid", None, error.diagnostics)], error.text or ""
    machines = chosen_machines(spec, machine)
    reports = [check_machine(spec, name, matrix_for(spec, name)) for name in machines]
    return reports, spec.document.text


def _print(reports: list[Report], texts: dict[str, str], format_: Format, quiet: bool) -> None:
    if format_ is Format.json:
        from rigspec.diagnostics.render.json import render_json

        typer.echo(render_json(reports))
        return
    if format_ is Format.sarif:
        from rigspec.diagnostics.render.sarif import render_sarif

        typer.echo(render_sarif(reports))
        return
    if format_ is Format.github:
        from rigspec.diagnostics.render.github import render_github

        typer.echo(render_github(reports), nl=False)
        return
    from rigspec.diagnostics.render.summary import drop_warnings, render_summary

    for report in reports:
        show(drop_warnings(report) if quiet else report, texts)
        if report.resolution is not None and not quiet:
            typer.echo(sanitize(render_summary(report), keep="\n"))
