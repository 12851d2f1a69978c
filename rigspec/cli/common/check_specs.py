"""The work of ``rigspec check``, apart from Typer."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NoReturn

from rigspec.cache.check_reports import get_cache_path, load_reports, store_reports
from rigspec.cli.arguments.check import CheckArguments
from rigspec.cli.common.spec_paths import STDIN, expand_specs, find_spec, require_file
from rigspec.cli.console import echo, show
from rigspec.diagnostics.levels import drop_codes
from rigspec.diagnostics.model import Report
from rigspec.diagnostics.render.summary import drop_warnings, render_summary
from rigspec.diagnostics.sanitize import sanitize

__all__ = ["run_check"]

# The reports of a spec, one a machine, and the texts of its files.
_Result = tuple[list[Report], dict[str, str]]
# A key of a spec, in quotes or without.
_KEY = re.compile(
    r"""(?m)^[ \t]*(?:["']?rig["']?[ \t]*="""
    r"""|\[[ \t]*["']?(?:machine|env|cuda|user|service|system)\b)"""
)
# How CUDA works on every card of a generation; programs get it, a person needs no line about it.
_UNREMARKABLE = ("RS221",)
_MAX_STDIN = 1 << 22  # characters
# A process takes as long to start as a few dozen checks.
_SPECS_PER_PROCESS = 32
# `from = "pyproject.toml"`: the result depends on that file, too.
_FROM_FILE = re.compile(rb"""from["']?\s*=\s*["'][^"'\n]*[./]""")


def run_check(arguments: CheckArguments) -> NoReturn:
    """Print the reports of all specs and exit with the status of ``rigspec check``."""
    specs = expand_specs(arguments.specs or (find_spec(),))
    if arguments.format == "text":
        for path in specs:
            require_file(path)
    statuses: set[str] = set()
    results = _record_statuses(_set_levels(_check_all(specs, arguments), arguments), statuses)
    if arguments.machine is not None:
        # A spec without the machine is an error, before anything is printed.
        results = iter([*results])
    if arguments.format == "text":
        _print_text(results, arguments)
    else:
        reports = (report for result, _ in results for report in result)
        end = "" if arguments.format == "github" else "\n"
        for part in _render(reports, arguments.format):
            echo(part, end="")
        echo("", end=end)
    raise SystemExit(2 if "invalid" in statuses else 1 if "conflict" in statuses else 0)


def _check_all(specs: list[Path], arguments: CheckArguments) -> Iterator[_Result]:
    """Yield the result of each spec, in order; no earlier one is kept."""
    stdin = sys.stdin.read(_MAX_STDIN) if STDIN in specs else ""
    sources = [path for path in specs if _is_source(path, stdin)]
    if sources:
        from rigspec.cli.common.uncached_check import check_sources

        yield check_sources(sources, stdin)
    paths = [path for path in specs if path not in sources]
    machine, cache = arguments.machine, arguments.cache
    check_one = partial(_check_path, machine=machine, stdin=stdin, cache=cache)
    yield from _map_in_order(check_one, paths, arguments.jobs)


def _set_levels(results: Iterator[_Result], arguments: CheckArguments) -> Iterator[_Result]:
    """Return the results with the levels of the options. Exits if a code is unknown."""
    ignore, deny = arguments.ignore, arguments.deny
    if not ignore and not deny:
        return results
    from rigspec.cli.common.levels import set_levels

    set_levels((), ignore, deny)
    return ((set_levels(reports, ignore, deny), texts) for reports, texts in results)


def _record_statuses(results: Iterator[_Result], statuses: set[str]) -> Iterator[_Result]:
    for reports, texts in results:
        statuses.update(report.status for report in reports)
        yield reports, texts


def _is_source(path: Path, stdin: str) -> bool:
    """Return whether a file is one that `rigspec import` reads; most specs are not opened."""
    if path.suffix == ".toml" and not path.name.startswith(("pyproject", "pixi", "pylock")):
        return False
    from rigspec.importing.registry import detect_format, read_text

    text = stdin if path == STDIN else read_text(path)
    if text is None:
        return False
    name = "" if path == STDIN else path.name
    # Other text that has not a single key of a spec is not one.
    return detect_format(name, text) is not None or (path != STDIN and _KEY.search(text) is None)


def _map_in_order(
    function: Callable[[Path], _Result], paths: list[Path], jobs: int | None
) -> Iterator[_Result]:
    """Yield the result of each path in order, from several processes if there are many paths."""
    processes = jobs or min(len(os.sched_getaffinity(0)), len(paths) // _SPECS_PER_PROCESS)
    if processes < 2 or len(paths) < 2:
        yield from map(function, paths)
        return
    # The child processes inherit the modules and the tables of the first spec.
    yield function(paths[0])
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        size = max(1, min(64, len(paths) // (4 * processes)))
        yield from pool.map(function, paths[1:], chunksize=size)


def _check_path(path: Path, machine: str | None, stdin: str, cache: bool) -> _Result:
    if path == STDIN:
        return _check(Path("<stdin>"), machine, text=stdin)
    return _check_cached(path, machine) if cache else _check(path, machine)


def _check_cached(path: Path, machine: str | None) -> _Result:
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
        return cached, {str(path): text}
    return _check(path, machine, file)


def _check(
    path: Path, machine: str | None, cache: Path | None = None, text: str | None = None
) -> _Result:
    # A cached result needs neither the models nor the solver: importing them takes twice as
    # long as everything else.
    from rigspec.cli.common.uncached_check import check_spec

    checked = check_spec(path, machine, text)
    if cache is not None and checked.is_cacheable:
        store_reports(cache, checked.reports)
    return checked.reports, {str(path): checked.text}


def _print_text(results: Iterable[_Result], arguments: CheckArguments) -> None:
    for reports, texts in results:
        for report in (drop_codes(each, _UNREMARKABLE) for each in reports):
            show(drop_warnings(report) if arguments.quiet else report, texts)
            if report.resolution is not None and not arguments.quiet:
                echo(sanitize(render_summary(report), keep="\n"))


def _render(reports: Iterable[Report], format_: str) -> Iterator[str]:
    """Yield the parts of a document. Some formats need all reports for the first one."""
    if format_ == "json":
        from rigspec.diagnostics.render.json import iterate_json

        yield from iterate_json(reports)
    elif format_ == "sarif":
        from rigspec.diagnostics.render.sarif import render_sarif

        yield render_sarif(reports)
    elif format_ == "github":
        from rigspec.diagnostics.render.github import render_github

        yield from (render_github([report]) for report in reports)
    else:
        from rigspec.diagnostics.render.gitlab import render_gitlab

        yield render_gitlab(reports)
