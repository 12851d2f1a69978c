"""The work of ``rigspec check``, apart from Typer."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
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

# The reports of a spec, one a machine, and its text.
_Result = tuple[list[Report], str]
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
    machine, cache = arguments.machine, arguments.cache
    reports: list[Report] = []
    texts: dict[str, str] = {}
    specs = expand_specs(arguments.specs or (find_spec(),))
    if arguments.format == "text":
        for path in specs:
            require_file(path)
    stdin = sys.stdin.read(_MAX_STDIN) if STDIN in specs else ""
    sources = [path for path in specs if _is_source(path, stdin)]
    if sources:
        from rigspec.cli.common.uncached_check import check_sources

        reports, texts = check_sources(sources, stdin)
    paths = [path for path in specs if path not in sources]
    check_one = partial(_check_path, machine=machine, stdin=stdin, cache=cache)
    results = _map_in_order(check_one, paths, arguments.jobs)
    for path, (result, text) in zip(paths, results, strict=True):
        reports += result
        texts[str(path) if path != STDIN else "<stdin>"] = text
    if arguments.ignore or arguments.deny:
        from rigspec.cli.common.levels import set_levels

        reports = set_levels(reports, arguments.ignore, arguments.deny)
    _print_reports(reports, texts, arguments)
    statuses = {report.status for report in reports}
    raise SystemExit(2 if "invalid" in statuses else 1 if "conflict" in statuses else 0)


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
) -> Iterable[_Result]:
    """Return the result of each path in order, from several processes if there are many paths."""
    processes = jobs or min(len(os.sched_getaffinity(0)), len(paths) // _SPECS_PER_PROCESS)
    if processes < 2 or len(paths) < 2:
        return map(function, paths)
    # The child processes inherit the modules and the tables of the first spec.
    first = function(paths[0])
    from concurrent.futures import ProcessPoolExecutor
    from itertools import chain
    from multiprocessing import get_context

    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        size = max(1, min(64, len(paths) // (4 * processes)))
        return list(chain((first,), pool.map(function, paths[1:], chunksize=size)))


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
        return cached, text
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
    return checked.reports, checked.text


def _print_reports(reports: list[Report], texts: dict[str, str], arguments: CheckArguments) -> None:
    if arguments.format == "text":
        for report in (drop_codes(each, _UNREMARKABLE) for each in reports):
            show(drop_warnings(report) if arguments.quiet else report, texts)
            if report.resolution is not None and not arguments.quiet:
                echo(sanitize(render_summary(report), keep="\n"))
        return
    echo(_render(reports, arguments.format), end="" if arguments.format == "github" else "\n")


def _render(reports: list[Report], format_: str) -> str:
    if format_ == "json":
        from rigspec.diagnostics.render.json import render_json

        return render_json(reports)
    if format_ == "sarif":
        from rigspec.diagnostics.render.sarif import render_sarif

        return render_sarif(reports)
    if format_ == "github":
        from rigspec.diagnostics.render.github import render_github

        return render_github(reports)
    from rigspec.diagnostics.render.gitlab import render_gitlab

    return render_gitlab(reports)
