"""The machine as the doctor sees it: files and commands, read only."""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import stat
from collections.abc import Callable
from dataclasses import dataclass

from rigspec.doctor.model import Item, Status
from rigspec.host.probe import ProbeError, command, read_text

__all__ = [
    "Attributes",
    "Expectation",
    "ProbeError",
    "command",
    "compare",
    "file_attributes",
    "read_text",
]


@dataclass(frozen=True)
class Attributes:
    """A file: its sha256, owner (``user:group``) and mode as chmod writes it."""

    sha256: str
    owner: str
    mode: str


@dataclass(frozen=True)
class Expectation:
    """What is to be found, and of which step it is."""

    layer: str
    name: str
    aspect: str
    expected: str | None
    step: str


def compare(promise: Expectation, look: Callable[[], str | None]) -> Item:
    """The promise, held against what ``look`` finds: None is nothing, ProbeError unknown."""
    try:
        found = look()
    except ProbeError as error:
        return _item(promise, None, Status.UNKNOWN, str(error))
    if found is None:
        return _item(promise, None, Status.MISSING)
    return _item(promise, found, Status.OK if found == promise.expected else Status.DIFFERS)


def _item(
    promise: Expectation, found: str | None, status: Status, reason: str | None = None
) -> Item:
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


def file_attributes(path: str, *, content: bool = True) -> Attributes | None:
    """What a file is, less its content where that is not asked for; None where there is none.

    Raises ProbeError.
    """
    try:
        status = os.stat(path)
        digest = _sha256(path) if content and stat.S_ISREG(status.st_mode) else ""
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ProbeError(f"{path}: {error.strerror}") from None
    owner = f"{_user(status.st_uid)}:{_group(status.st_gid)}"
    return Attributes(digest, owner, f"{stat.S_IMODE(status.st_mode):04o}")


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
