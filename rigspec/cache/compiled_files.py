"""Files next to the bytecode, with what takes long to read from its source.

They are written like bytecode: at the first use, and not where Python writes none. A user who can
write here can replace the bytecode, so reading code or a pickle adds no risk.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["FOLDER", "write_compiled_file"]

FOLDER = Path(__file__).parent / "__pycache__"


def write_compiled_file(file: Path, content: bytes) -> None:
    """Write a file as a whole, unless Python writes no bytecode."""
    if sys.dont_write_bytecode:
        return
    partial = file.with_name(f"{file.name}.{os.getpid()}")
    # Read-only folders and zip files cannot be written.
    with suppress(OSError):
        partial.write_bytes(content)
        partial.replace(file)
