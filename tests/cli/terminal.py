"""A terminal of a chosen size, for what commands do on one."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios
from collections.abc import Mapping
from pathlib import Path
from subprocess import Popen

__all__ = ["run_on_terminal"]


def run_on_terminal(
    *words: str,
    folder: Path,
    columns: int = 80,
    lines: int = 24,
    variables: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Return the status of a command of rigspec on a terminal, and what it prints there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    decided = ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "PAGER", "COLUMNS", "LINES")
    env = {name: value for name, value in os.environ.items() if name not in decided}
    process = Popen(
        [sys.executable, "-m", "rigspec", *words],
        cwd=folder,
        env={**env, "TERM": "xterm-256color", **(variables or {})},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    output = b""
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # the last program that has the terminal has ended
            break
        if not part:
            break
        output += part
    os.close(ours)
    return process.wait(), output.decode().replace("\r\n", "\n")
