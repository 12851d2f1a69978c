"""Words to a terminal: where they go, whether in colour."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NoReturn, TypeVar

import typer

from rigspec.diagnostics.sanitize import sanitize

if TYPE_CHECKING:
    from rigspec.diagnostics.model import Report

__all__ = ["colored", "fail", "progress", "progress_bar", "show", "status", "write_text"]

_WIDTH = 100

T = TypeVar("T")


def colored() -> bool:
    """Whether stderr wants colour: a terminal, and NO_COLOR not set to anything."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def show(report: Report, texts: Mapping[str, str], *, to_stdout: bool = False) -> None:
    """A report's diagnostics as text: on stderr, unless they are what was asked for."""
    from rigspec.diagnostics.render.text import render_text

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
        typer.echo(sanitize(message, keep="\n"), err=True)


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
    typer.echo(f"error: {sanitize(message)}", err=True)
    raise typer.Exit(status)


def write_text(path: Path, text: str, *, new: bool = False, parents: bool = False) -> None:
    """Write a file atomically; exit with status 2 if it cannot be written."""
    from rigspec.fs.atomic_tree import TreeError, write_file

    try:
        write_file(path, text.encode(), new=new, parents=parents)
    except TreeError as error:
        fail(f"RS604: {error}", status=2)


@contextmanager
def progress_bar(
    parts: Sequence[str], words: str, *, quiet: bool
) -> Iterator[Callable[[str], None]]:
    """A bar over the parts with those that are not done; a pipe sees nothing of it.

    What is yielded takes a part's name when it is done, from any thread.
    """
    if quiet or not parts or not sys.stderr.isatty():
        yield lambda part: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    open_parts, mutex = list(parts), Lock()
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task(_described(words, open_parts), total=len(parts))

        def done(part: str) -> None:
            with mutex:
                open_parts.remove(part)
                shown.update(task, advance=1, description=_described(words, open_parts))

        yield done


def _described(words: str, parts: Sequence[str]) -> str:
    from rich.markup import escape

    more = f" and {len(parts) - 3} more" if len(parts) > 3 else ""
    return f"{words} {escape(', '.join(parts[:3]))}{more}"
