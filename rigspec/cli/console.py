"""Messages on the terminal: errors, status lines, reports."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NoReturn, TextIO

from rigspec.diagnostics.sanitize import sanitize

if TYPE_CHECKING:
    from rigspec.diagnostics.model import Diagnostic, Report

__all__ = [
    "echo",
    "fail",
    "fail_unknown",
    "is_color",
    "is_color_forced",
    "print_status",
    "show",
    "show_diagnostics",
    "show_long",
]

# Width of text in a file or pipe.
_WIDTH = 100


def echo(text: str, *, to_stderr: bool = False, end: str = "\n") -> None:
    """Print a text and its end, and flush the stream.

    Colors in it are printed as they are.
    """
    stream = sys.stderr if to_stderr else sys.stdout
    if (stream.encoding or "").lower().replace("_", "-") == "utf-8":
        stream.write(f"{text}{end}")
        stream.flush()
        return
    # Imported here: it is slow, and only needed for streams that cannot write every character.
    import typer

    typer.echo(f"{text}{end}", err=to_stderr, color=True, nl=False)


def show(report: Report, texts: Mapping[str, str], *, to_stdout: bool = False) -> None:
    """Print the diagnostics of a report, to stderr by default.

    Args:
        report: the diagnostics.
        texts: the content of each spec, by file name, for the source excerpts.
        to_stdout: print to stdout, if the diagnostics are the result of the command.
    """
    from rigspec.diagnostics.render.text import render_text

    texts = {**_read_imported(report), **texts}
    stream = sys.stdout if to_stdout else sys.stderr
    # The width of a file or pipe does not depend on the terminal.
    width = os.get_terminal_size(stream.fileno()).columns if stream.isatty() else _WIDTH
    color = is_color(stream)
    text = render_text(report, texts, color=color, width=width)
    if text:
        echo(text.rstrip("\n"), to_stderr=not to_stdout)


def is_color(stream: TextIO) -> bool:
    """Return whether to color the output: on a terminal, unless the environment decides it.

    NO_COLOR has precedence, then FORCE_COLOR and CLICOLOR_FORCE, then CLICOLOR and TERM=dumb.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if is_color_forced():
        return True
    if os.environ.get("CLICOLOR") == "0" or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def is_color_forced() -> bool:
    """Return whether the environment demands color, also in a file or pipe."""
    return not os.environ.get("NO_COLOR") and any(
        os.environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")
    )


def show_long(text: str, *, pager: bool = True) -> None:
    """Print a text, on a terminal through a pager if it is longer than the screen.

    As for git, an empty PAGER and `cat` mean none.
    """
    import shlex
    import subprocess
    from shutil import get_terminal_size

    command = os.environ.get("PAGER", "less -FRX")
    is_short = text.count("\n") < get_terminal_size().lines
    is_dumb = os.environ.get("TERM") == "dumb"
    if not pager or is_short or is_dumb or not sys.stdout.isatty() or command in ("", "cat"):
        echo(text)
        return
    try:
        subprocess.run(shlex.split(command), input=f"{text}\n", text=True, check=False)
    except (OSError, ValueError):
        echo(text)


def _read_imported(report: Report) -> dict[str, str]:
    """Return the text of the files that the spec takes values from."""
    if not report.imported:
        return {}
    from pathlib import Path

    from rigspec.importing.registry import read_text

    return {file: read_text(Path(file)) or "" for file in report.imported}


def show_diagnostics(diagnostics: Iterable[Diagnostic], file: str, text: str) -> None:
    """Print diagnostics about one spec to stderr."""
    from rigspec.diagnostics.model import Report

    show(Report(file, None, "", None, tuple(diagnostics)), {file: text})


def print_status(message: str, *, quiet: bool = False) -> None:
    """Print a status line to stderr unless ``quiet`` is set."""
    if not quiet:
        _echo_error(sanitize(message, keep="\n"))


def fail(message: str, *, status: int, help_text: str | None = None) -> NoReturn:
    """Print an error with an optional remedy and exit with the status."""
    _echo_error(f"error: {sanitize(message)}")
    if help_text is not None:
        _echo_error(f"  = help: {sanitize(help_text)}")
    raise SystemExit(status)


def _echo_error(text: str) -> None:
    """Print a line to stderr, its severity in the color of diagnostics."""
    if is_color(sys.stderr):
        from rigspec.diagnostics.render.text import paint_severity

        text = paint_severity(text)
    echo(text, to_stderr=True)


def fail_unknown(message: str, name: str, known: Iterable[str], *, otherwise: str) -> NoReturn:
    """Print an error about an unknown name with the closest known names and exit with status 2.

    Args:
        message: the error.
        name: the unknown name.
        known: the valid names.
        otherwise: the remedy if no known name is similar.
    """
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=3)
    names = " or ".join(f"`{each}`" for each in close)
    fail(message, status=2, help_text=f"did you mean {names}?" if close else otherwise)
