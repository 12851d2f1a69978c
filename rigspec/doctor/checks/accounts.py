"""Accounts and groups: the home, who belongs where, keys that nobody else may write or read."""

from __future__ import annotations

import base64
import grp
import hashlib
import pwd
import re
from collections.abc import Iterator
from functools import partial

from rigspec.doctor.checks.files import attributes_of
from rigspec.doctor.expectation import (
    Expectation,
    ProbeError,
    command,
    compare,
    file_attributes,
    read_text,
)
from rigspec.doctor.model import Item, Status
from rigspec.plan.steps import Group, Quota, User

__all__ = ["group", "quota", "user"]

# A line of quota(1): file system, blocks, soft and hard limit.
_LIMITS = re.compile(r"^\s*\S+\s+\d+\*?\s+\d+\s+(\d+)\s", re.MULTILINE)

_NO_PASSWORD = "none"  # noqa: S105 - a word for there being none


def user(step: User) -> Iterator[Item]:
    """An account, and what makes that its owner alone can log in to it."""
    name = step.name
    account = _account(name)
    # One that was there before the rig is where it was.
    home = f"/home/{name}" if account is None else account.pw_dir
    promise = Expectation(step.layer, name, "home", home, step.id)
    yield compare(promise, lambda: None if account is None else account.pw_dir)
    if account is None:
        return
    owner = f"{name}:{_own_group(account)}"
    promise = Expectation(step.layer, home, "owner", owner, step.id)
    yield compare(promise, lambda: _owner(home))
    promise = Expectation(step.layer, name, "password", _NO_PASSWORD, step.id)
    yield compare(promise, partial(_password, name))
    for group in step.groups:
        promise = Expectation(step.layer, name, f"group {group}", "member", step.id)
        yield compare(promise, partial(_membership, account, group))
    for path in step.files:
        file = f"{home}/{path}"
        promise = Expectation(step.layer, file, "presence", "there", step.id)
        yield compare(promise, partial(_presence, file))
    if step.ssh_keys:
        folder = f"{home}/.ssh"
        yield from attributes_of(step.layer, folder, step.id, owner=owner, mode="0700")
        file = f"{folder}/authorized_keys"
        yield from attributes_of(step.layer, file, step.id, owner=owner, mode="0600")
        yield from _keys(step, file)


def group(step: Group) -> Iterator[Item]:
    """A group, and who is in it where the rig says so."""
    if step.members is None:
        promise = Expectation(step.layer, step.name, "group", "there", step.id)
        yield compare(promise, lambda: "there" if _group(step.name) is not None else None)
        return
    expected = ", ".join(step.members) or "nobody"
    yield compare(
        Expectation(step.layer, step.name, "members", expected, step.id),
        partial(_members, step.name),
    )


def quota(step: Quota) -> Iterator[Item]:
    """What the kernel holds the account to, in blocks of 1024 bytes."""
    promise = Expectation(step.layer, step.user, "quota", str(step.kib), step.id)

    def look() -> str:
        asked = ("quota", "--user", step.user, "--verbose", "--no-wrap", "--raw-grace")
        limits = _LIMITS.findall(command(asked, fails=True))
        if not limits:
            raise ProbeError("no file system has quotas of users switched on")
        return str(max(map(int, limits)))

    yield compare(promise, look)


def _keys(step: User, file: str) -> Iterator[Item]:
    """The keys that the rig names, and those that let somebody else in."""
    for key in step.ssh_keys:
        promise = Expectation(step.layer, file, f"key {_fingerprint(key)}", key, step.id)
        yield compare(promise, partial(_line, file, key))
    try:
        lines = (read_text(file) or "").splitlines()
    except ProbeError:
        return  # Each key is unknown already.
    for line in dict.fromkeys(lines):
        if line.strip() and not line.startswith("#") and line not in step.ssh_keys:
            aspect = f"key {_fingerprint(line)}"
            yield Item(step.layer, file, aspect, None, line, Status.EXTRA, step.id)


def _line(file: str, key: str) -> str | None:
    return key if key in (read_text(file) or "").splitlines() else None


def _fingerprint(line: str) -> str:
    """The name by which ssh tells a key; of a line without one, its own."""
    blob = next((word for word in line.split() if word.startswith("AAAA")), line)
    try:
        data = base64.b64decode(blob, validate=True)
    except ValueError:
        data = line.encode()
    return "SHA256:" + base64.b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def _group(name: str) -> grp.struct_group | None:
    try:
        return grp.getgrnam(name)
    except KeyError:
        return None


def _members(name: str) -> str | None:
    entry = _group(name)
    return None if entry is None else ", ".join(entry.gr_mem) or "nobody"


def _presence(path: str) -> str | None:
    return None if file_attributes(path, content=False) is None else "there"


def _account(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _own_group(account: pwd.struct_passwd) -> str:
    try:
        return grp.getgrgid(account.pw_gid).gr_name
    except KeyError:
        return str(account.pw_gid)


def _owner(path: str) -> str | None:
    found = file_attributes(path, content=False)
    return None if found is None else found.owner


def _password(name: str) -> str | None:
    """A field that no password can match begins with one of two marks."""
    for line in (read_text("/etc/shadow") or "").splitlines():
        account, _, rest = line.partition(":")
        if account == name:
            field = rest.partition(":")[0]
            return _NO_PASSWORD if field.startswith(("!", "*")) else "set" if field else "empty"
    return None


def _membership(account: pwd.struct_passwd, group: str) -> str | None:
    try:
        entry = grp.getgrnam(group)
    except KeyError:
        return None
    member = account.pw_name in entry.gr_mem or account.pw_gid == entry.gr_gid
    return "member" if member else "not a member"
