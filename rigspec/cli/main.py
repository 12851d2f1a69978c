"""The ``rigspec`` command."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import NoReturn

__all__ = ["INTERNAL_ERROR", "main", "run"]

INTERNAL_ERROR = 70  # EX_SOFTWARE of sysexits.h


def run() -> NoReturn:
    """Run the command line as the only thing that this process does."""
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    if not isinstance(code, int) or threading.active_count() > 1:
        sys.exit(code if isinstance(code, int | str) else None)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        sys.exit(code)
    atexit._run_exitfuncs()
    # Freeing every module and object one by one takes as long as resolving a rig.
    os._exit(code)


def main() -> None:
    """Run the command line.

    Exits with 141 on a closed pipe, with 130 on Ctrl-C, and with 70 on an error of rigspec itself,
    so that a program does not take it for a conflict.
    """
    try:
        _run_command(sys.argv[1:])
    except BrokenPipeError:
        # The interpreter would raise again when it flushes the rest of the buffer.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception:
        import traceback

        from rigspec.cli.console import echo

        traceback.print_exc()
        message = "error: internal error in rigspec: please report it with the lines above"
        echo(message, to_stderr=True)
        sys.exit(INTERNAL_ERROR)


def _run_command(arguments: list[str]) -> None:
    # Typer takes as long to load as everything that `check` needs. Options that these do not
    # recognize, and all errors in them, are Typer's.
    if arguments[:1] == ["check"]:
        _run_check(arguments[1:])
    elif arguments[:1] == ["compile"]:
        _run_compile(arguments[1:])
    from rigspec.cli.app import app

    app(prog_name="rigspec")


def _run_check(words: list[str]) -> None:
    """Run `rigspec check` and exit, unless Typer has to parse its arguments."""
    from rigspec.cli.arguments.check import parse_check_arguments

    parsed = parse_check_arguments(words)
    if parsed is not None:
        from rigspec.cli.common.check_specs import run_check
        from rigspec.cli.common.extras import report_missing_extra

        with report_missing_extra():
            run_check(parsed)


def _run_compile(words: list[str]) -> None:
    """Run `rigspec compile` and exit, unless Typer has to parse its arguments."""
    from rigspec.cli.arguments.compile import parse_compile_arguments

    parsed = parse_compile_arguments(words)
    if parsed is not None:
        from rigspec.cli.common.compile_targets import run_compile
        from rigspec.cli.common.extras import report_missing_extra

        with report_missing_extra():
            run_compile(parsed)
        raise SystemExit(0)
