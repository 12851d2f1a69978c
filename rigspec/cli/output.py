"""A file that a command writes: whole, or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from rigspec.cli.console import fail

__all__ = ["write_text"]


def write_text(path: Path, text: str, *, new: bool = False) -> None:
    """Write a file by one rename, with the modes of any new file; exit status 2 where it cannot be.

    ``new``: a file that is there already is left alone, and FileExistsError raised.
    """
    try:
        handle, part = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(text.encode())
                os.fchmod(out.fileno(), 0o666 & ~_mask())
            if new:
                os.link(part, path)
            else:
                os.replace(part, path)
        finally:
            Path(part).unlink(missing_ok=True)
    except FileExistsError:
        raise
    except OSError as error:
        fail(f"{path}: cannot be written: {error.strerror}", status=2)


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
