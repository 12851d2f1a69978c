"""What is still being waited for, shown on a terminal while it goes on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from threading import Lock

__all__ = ["progress_bar"]


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
