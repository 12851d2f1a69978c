"""Compare expectations with files and command output, read-only."""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import stat
from collections.abc import Callable
from dataclasses import dataclass

from rigspec.host.probe import ProbeError, read_text, run_command
from rigspec.plan.inspection.findings import Finding, Status

__all__ = [
    "Attributes",
    "Expectation",
    "ProbeError",
    "compare",
    "read_file_attributes",
    "read_text",
    "run_command",
]


@dataclass(frozen=True)
class Attributes:
    """The sha256, owner (``user:group``) and octal mode of a file."""

    sha256: str
    owner: str
    mode: str


@dataclass(frozen=True)
class Expectation:
    """An expected value, and the id of its step."""

    layer: str
    name: str
    aspect: str
    expected: str | None
    step: str


def compare(expectation: Expectation, probe: Callable[[], str | None]) -> Finding:
    """Compare an expectation with the result of ``probe``.

    None means missing; a ProbeError means unknown.
    """
    try:
        found = probe()
    except ProbeError as error:
        return _build_item(expectation, None, Status.UNKNOWN, str(error))
    if found is None:
        return _build_item(expectation, None, Status.MISSING)
    return _build_item(
        expectation, found, Status.OK if found == expectation.expected else Status.DIFFERS
    )


def _build_item(
    expectation: Expectation, found: str | None, status: Status, reason: str | None = None
) -> Finding:
    return Finding(
        layer=expectation.layer,
        name=expectation.name,
        aspect=expectation.aspect,
        expected=expectation.expected,
        found=found,
        status=status,
        step=expectation.step,
        reason=reason,
    )


def read_file_attributes(path: str, *, content: bool = True) -> Attributes | None:
    """Return the attributes of a file, or None if it does not exist.

    ``sha256`` is empty unless ``content`` is requested.

    Raises:
        ProbeError: The file cannot be read.

    """
    try:
        status = os.stat(path)
        digest = _sha256(path) if content and stat.S_ISREG(status.st_mode) else ""
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ProbeError(f"{path}: {error.strerror}") from None
    owner = f"{_user_name(status.st_uid)}:{_group_name(status.st_gid)}"
    return Attributes(digest, owner, f"{stat.S_IMODE(status.st_mode):04o}")


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
