"""Progress on a terminal; a pipe or file gets none of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

__all__ = ["count_items", "create_progress_bar"]

T = TypeVar("T")
_NAMES_SHOWN = 3


def count_items(items: Iterable[T], total: int, label: str) -> Iterator[T]:
    """Yield the items and print their count on a terminal."""
    is_terminal = sys.stderr.isatty()
    for number, item in enumerate(items, start=1):
        if is_terminal:
            end = "\n" if number == total else ""
            print(f"\r{number}/{total} {label}", end=end, file=sys.stderr, flush=True)
        yield item


@contextmanager
def create_progress_bar(
    parts: Sequence[str], label: str, *, quiet: bool
) -> Iterator[Callable[[str], None]]:
    """Show a bar with the names of the remaining parts.

    Yields:
        A function that takes the name of a completed part, from any thread.
    """
    if quiet or not parts or not sys.stderr.isatty():
        yield lambda part: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    remaining, mutex = list(parts), Lock()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(_describe(label, remaining), total=len(parts))

        def complete(part: str) -> None:
            with mutex:
                remaining.remove(part)
                bar.update(task, advance=1, description=_describe(label, remaining))

        yield complete


def _describe(label: str, parts: Sequence[str]) -> str:
    hidden = len(parts) - _NAMES_SHOWN
    more = f" and {hidden} more" if hidden > 0 else ""
    return f"{label} {escape(', '.join(parts[:_NAMES_SHOWN]))}{more}"
