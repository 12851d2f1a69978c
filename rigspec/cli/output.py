"""A file that a command writes: whole, or not at all."""

from __future__ import annotations

from pathlib import Path

from rigspec.cli.console import fail

__all__ = ["write_text"]


def write_text(path: Path, text: str, *, new: bool = False, parents: bool = False) -> None:
    """Write a file as ``rigspec.tree.write_file`` does; exit status 2 where it cannot be."""
    from rigspec.tree import TreeError, write_file

    try:
        write_file(path, text.encode(), new=new, parents=parents)
    except TreeError as error:
        fail(f"RS604: {error}", status=2)
