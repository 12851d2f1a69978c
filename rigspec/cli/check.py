"""``rigspec check``: resolve every machine of a rig."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import typer

from rigspec.cache.check_reports import get_cache_path, load_reports, store_reports
from rigspec.cli.common.options import FORMAT, AnyMachine, Quiet
from rigspec.cli.console import show
from rigspec.diagnostics.model import Report
from rigspec.diagnostics.render.github import render_github
from rigspec.diagnostics.render.json import render_json
from rigspec.diagnostics.render.sarif import render_sarif
from rigspec.diagnostics.render.summary import drop_warnings, render_summary
from rigspec.diagnostics.sanitize import sanitize

__all__ = ["check"]

Format = Literal["text", "json", "sarif", "github"]
# `from = "pyproject.toml"`: the result depends on that file, too.
_FROM_FILE = re.compile(rb"""from["']?\s*=\s*["'][^"'\n]*[./]""")


def check(
    specs: Annotated[
        list[Path],
        typer.Argument(
            metavar="SPEC...",
            help="Specs to check, or files of other programs, which make one rig",
            show_default=False,
        ),
    ],
    machine: AnyMachine = None,
    format_: Annotated[Format, FORMAT] = "text",
    quiet: Quiet = False,
    cache: Annotated[
        bool, typer.Option("--cache/--no-cache", help="Reuse the result of an unchanged spec")
    ] = True,
) -> None:
    """Resolve every machine of a rig and report conflicts.

    Exit status: 0 without errors, 1 on a conflict, 2 if a spec is invalid.
    """
    reports: list[Report] = []
    texts: dict[str, str] = {}
    sources = [path for path in specs if _is_source(path)]
    if sources:
        from rigspec.cli.common.uncached_check import check_sources

        reports, texts = check_sources(sources)
    for path in specs:
        if path in sources:
            continue
        result, text = _check_cached(path, machine) if cache else _check(path, machine)
        reports += result
        texts[str(path)] = text
    _print_reports(reports, texts, format_, quiet)
    statuses = {report.status for report in reports}
    raise typer.Exit(2 if "invalid" in statuses else 1 if "conflict" in statuses else 0)


def _is_source(path: Path) -> bool:
    """Return whether a file is one that `rigspec import` reads; most specs are not opened."""
    if path.suffix == ".toml" and not path.name.startswith(("pyproject", "pixi", "pylock")):
        return False
    from rigspec.importing.registry import detect_format, read_text

    text = read_text(path)
    return text is not None and detect_format(path.name, text) is not None


def _check_cached(path: Path, machine: str | None) -> tuple[list[Report], str]:
    try:
        data = path.read_bytes()
        file = get_cache_path(str(path), data, machine)
        text = data.decode()
    except (OSError, UnicodeDecodeError):
        return _check(path, machine)
    if file is None or _FROM_FILE.search(data):
        return _check(path, machine)
    cached = load_reports(file)
    if cached is not None:
        return cached, text
    reports, text = _check(path, machine)
    store_reports(file, reports)
    return reports, text


def _check(path: Path, machine: str | None) -> tuple[list[Report], str]:
    # A cached result needs neither the models nor the solver: importing them takes twice as
    # long as everything else.
    from rigspec.cli.common.uncached_check import check_spec

    return check_spec(path, machine)


def _print_reports(
    reports: list[Report], texts: dict[str, str], format_: Format, quiet: bool
) -> None:
    if format_ == "json":
        typer.echo(render_json(reports))
    elif format_ == "sarif":
        typer.echo(render_sarif(reports))
    elif format_ == "github":
        typer.echo(render_github(reports), nl=False)
    else:
        for report in reports:
            show(drop_warnings(report) if quiet else report, texts)
            if report.resolution is not None and not quiet:
                typer.echo(sanitize(render_summary(report), keep="\n"))
