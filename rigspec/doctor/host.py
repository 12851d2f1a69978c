"""The machine as the doctor sees it: files and commands, read only."""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import stat
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rigspec.doctor.model import Item, Status

__all__ = ["Attributes", "CannotSee", "Promise", "command", "file_attributes", "held", "read_text"]

_SECONDS = 60
# Programs see nothing of the session that the doctor was started in.
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/"}


class CannotSee(Exception):
    """Something could not be looked at; the message says why, in a few words."""


@dataclass(frozen=True)
class Attributes:
    """A file: its sha256, owner (``user:group``) and mode as chmod writes it."""

    sha256: str
    owner: str
    mode: str


@dataclass(frozen=True)
class Promise:
    """What is to be found, and of which step it is."""

    layer: str
    name: str
    aspect: str
    expected: str | None
    step: str


def held(promise: Promise, look: Callable[[], str | None]) -> Item:
    """The promise, held against what ``look`` finds: None is nothing, CannotSee unknown."""
    try:
        found = look()
    except CannotSee as error:
        return _item(promise, None, Status.UNKNOWN, str(error))
    if found is None:
        return _item(promise, None, Status.MISSING)
    return _item(promise, found, Status.OK if found == promise.expected else Status.DIFFERS)


def _item(promise: Promise, found: str | None, status: Status, reason: str | None = None) -> Item:
    return Item(
        layer=promise.layer,
        name=promise.name,
        aspect=promise.aspect,
        expected=promise.expected,
        found=found,
        status=status,
        step=promise.step,
        reason=reason,
    )


def read_text(path: str) -> str | None:
    """The text of a file; None where there is none. Raises CannotSee."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CannotSee(f"{path}: {error.strerror}") from None


def file_attributes(path: str, *, content: bool = True) -> Attributes | None:
    """What a file is, less its content where that is not asked for; None where there is none.

    Raises CannotSee.
    """
    try:
        status = os.stat(path)
        digest = _sha256(path) if content and stat.S_ISREG(status.st_mode) else ""
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise CannotSee(f"{path}: {error.strerror}") from None
    owner = f"{_user(status.st_uid)}:{_group(status.st_gid)}"
    return Attributes(digest, owner, f"{stat.S_IMODE(status.st_mode):04o}")


@cache
def command(
    words: Sequence[str], *, fails: bool = False, environment: tuple[tuple[str, str], ...] = ()
) -> str:
    """What a command says, without the last newline; where it ``fails`` that is no matter.

    The same command is run once. Raises CannotSee where it cannot be run, or fails.
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
        raise CannotSee(f"{words[0]} is not there") from None
    except OSError as error:
        raise CannotSee(f"{words[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise CannotSee(f"{words[0]} did not end within {_SECONDS} seconds") from None
    if done.returncode != 0 and not fails:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise CannotSee(f"{words[0]}: {said[-1] if said else f'exit status {done.returncode}'}")
    return done.stdout.decode(errors="replace").removesuffix("\n")


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
