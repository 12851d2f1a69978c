"""Write the output file of a command."""

from __future__ import annotations

from pathlib import Path

from rigspec.cli.console import fail
from rigspec.fs.atomic_tree import TreeError, write_file

__all__ = ["write_text"]


def write_text(path: Path, text: str, *, new: bool = False, parents: bool = False) -> None:
    """Write a file atomically; exit with status 2 if that is impossible.

    Raises:
        FileExistsError: if ``new`` is set and the file exists.
    """
    try:
        write_file(path, text.encode(), new=new, parents=parents)
    except TreeError as error:
        fail(f"RS604: {error}", status=2)
