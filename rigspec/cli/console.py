"""Words to a terminal: where they go, whether in colour."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, NoReturn, TypeVar

import typer

from rigspec.diagnostics.plain import plain

if TYPE_CHECKING:
    from rigspec.diagnostics.model import Report

__all__ = ["colored", "fail", "progress", "show", "status"]

_WIDTH = 100

T = TypeVar("T")


def colored() -> bool:
    """Whether stderr wants colour: a terminal, and NO_COLOR not set to anything."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def show(report: Report, texts: Mapping[str, str], *, to_stdout: bool = False) -> None:
    """A report's diagnostics as text: on stderr, unless they are what was asked for."""
    from rigspec.diagnostics.text import render_text

    stream = sys.stdout if to_stdout else sys.stderr
    # What goes into a file or a pipe is the same whatever terminal stands behind it.
    width = os.get_terminal_size(stream.fileno()).columns if stream.isatty() else _WIDTH
    color = stream.isatty() and not os.environ.get("NO_COLOR")
    text = render_text(report, texts, color=color, width=width)
    if text:
        typer.echo(text.rstrip("\n"), err=not to_stdout)


def status(message: str, *, quiet: bool = False) -> None:
    """A line on stderr about what is being done."""
    if not quiet:
        typer.echo(plain(message, keep="\n"), err=True)


def progress(items: Iterable[T], count: int, words: str) -> Iterator[T]:
    """The items, counted on a terminal while they come; a pipe sees nothing of it."""
    shown = sys.stderr.isatty()
    for done, item in enumerate(items, start=1):
        if shown:
            end = "\n" if done == count else ""
            print(f"\r{done}/{count} {words}", end=end, file=sys.stderr, flush=True)
        yield item


def fail(message: str, *, status: int) -> NoReturn:
    """One error line, and the exit status."""
    typer.echo(f"error: {plain(message)}", err=True)
    raise typer.Exit(status)
