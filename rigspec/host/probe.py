"""Read files and run programs of a live machine, without changing it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

__all__ = ["ProbeError", "read_text", "run_command"]

_SECONDS = 60
# Programs get no variables of the calling session.
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/"}


class ProbeError(Exception):
    """A file or program cannot be read; the message is a short reason."""


def read_text(path: str) -> str | None:
    """Return the text of a file, None if it does not exist; raise ProbeError if unreadable."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ProbeError(f"{path}: {error.strerror}") from None


@cache
def run_command(
    words: Sequence[str], *, fails: bool = False, environment: tuple[tuple[str, str], ...] = ()
) -> str:
    """Return the output of a command without the last newline; the same command runs once.

    Args:
        words: program and arguments.
        fails: accept a failing command.
        environment: variables of the command.

    Raises:
        ProbeError: The command cannot be run, or fails.
    """
    try:
        done = subprocess.run(
            list(words),
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=_SECONDS,
            cwd="/",
            env={**_ENVIRONMENT, **dict(environment)},
        )
    except FileNotFoundError:
        raise ProbeError(f"{words[0]} is not installed") from None
    except OSError as error:
        raise ProbeError(f"{words[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise ProbeError(f"{words[0]} did not finish within {_SECONDS} seconds") from None
    if done.returncode != 0 and not fails:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise ProbeError(f"{words[0]}: {lines[-1] if lines else f'exit status {done.returncode}'}")
    return done.stdout.decode(errors="replace").removesuffix("\n")
