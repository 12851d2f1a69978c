"""A live machine: its files and programs, read only."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

__all__ = ["ProbeError", "command", "read_text"]

_SECONDS = 60
# Programs see nothing of the session that they are started from.
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/"}


class ProbeError(Exception):
    """Something could not be looked at; the message says why, in a few words."""


def read_text(path: str) -> str | None:
    """The text of a file; None where there is none. Raises ProbeError."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ProbeError(f"{path}: {error.strerror}") from None


@cache
def command(
    words: Sequence[str], *, fails: bool = False, environment: tuple[tuple[str, str], ...] = ()
) -> str:
    """What a command says, without the last newline; where it ``fails`` that is no matter.

    The same command is run once. Raises ProbeError where it cannot be run, or fails.
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
        raise ProbeError(f"{words[0]} is not there") from None
    except OSError as error:
        raise ProbeError(f"{words[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise ProbeError(f"{words[0]} did not end within {_SECONDS} seconds") from None
    if done.returncode != 0 and not fails:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise ProbeError(f"{words[0]}: {said[-1] if said else f'exit status {done.returncode}'}")
    return done.stdout.decode(errors="replace").removesuffix("\n")
