"""Check accounts, groups, SSH keys and quotas."""

from __future__ import annotations

import base64
import grp
import hashlib
import pwd
import re
from collections.abc import Iterator
from functools import partial

from rigspec.doctor.checks.files import check_attributes
from rigspec.doctor.expectation import (
    Expectation,
    ProbeError,
    compare,
    read_file_attributes,
    read_text,
    run_command,
)
from rigspec.doctor.model import Item, Status
from rigspec.plan.steps import GroupStep, QuotaStep, UserStep

__all__ = ["check_group", "check_quota", "check_user"]

# A line of quota(1): file system, blocks, soft and hard limit.
_LIMITS = re.compile(r"^\s*\S+\s+\d+\*?\s+\d+\s+(\d+)\s", re.MULTILINE)

_NO_PASSWORD = "none"  # noqa: S105 - not a password


def check_user(step: UserStep) -> Iterator[Item]:
    """Check an account, its groups and its SSH keys."""
    name = step.name
    account = _find_account(name)
    # An existing account keeps its home directory.
    home = f"/home/{name}" if account is None else account.pw_dir
    expectation = Expectation(step.layer, name, "home", home, step.id)
    yield compare(expectation, lambda: None if account is None else account.pw_dir)
    if account is None:
        return
    owner = f"{name}:{_primary_group(account)}"
    expectation = Expectation(step.layer, home, "owner", owner, step.id)
    yield compare(expectation, lambda: _owner(home))
    expectation = Expectation(step.layer, name, "password", _NO_PASSWORD, step.id)
    yield compare(expectation, partial(_password, name))
    for group in step.groups:
        expectation = Expectation(step.layer, name, f"group {group}", "member", step.id)
        yield compare(expectation, partial(_membership, account, group))
    for path in step.files:
        file = f"{home}/{path}"
        expectation = Expectation(step.layer, file, "presence", "present", step.id)
        yield compare(expectation, partial(_presence, file))
    if step.ssh_keys:
        folder = f"{home}/.ssh"
        yield from check_attributes(step.layer, folder, step.id, owner=owner, mode="0700")
        file = f"{folder}/authorized_keys"
        yield from check_attributes(step.layer, file, step.id, owner=owner, mode="0600")
        yield from _check_keys(step, file)


def check_group(step: GroupStep) -> Iterator[Item]:
    """Check a group, and its members if the rig sets them."""
    if step.members is None:
        expectation = Expectation(step.layer, step.name, "group", "present", step.id)
        yield compare(
            expectation, lambda: "present" if _find_group(step.name) is not None else None
        )
        return
    expected = ", ".join(step.members) or "none"
    yield compare(
        Expectation(step.layer, step.name, "members", expected, step.id),
        partial(_members, step.name),
    )


def check_quota(step: QuotaStep) -> Iterator[Item]:
    """Check the disk quota of an account, in blocks of 1024 bytes."""
    expectation = Expectation(step.layer, step.user, "quota", str(step.kib), step.id)

    def probe() -> str:
        arguments = ("quota", "--user", step.user, "--verbose", "--no-wrap", "--raw-grace")
        limits = _LIMITS.findall(run_command(arguments, fails=True))
        if not limits:
            raise ProbeError("user quotas are not enabled on any file system")
        return str(max(map(int, limits)))

    yield compare(expectation, probe)


def _check_keys(step: UserStep, file: str) -> Iterator[Item]:
    """Check for the keys of the rig, and report others."""
    for key in step.ssh_keys:
        expectation = Expectation(step.layer, file, f"key {_fingerprint(key)}", key, step.id)
        yield compare(expectation, partial(_find_line, file, key))
    try:
        lines = (read_text(file) or "").splitlines()
    except ProbeError:
        return  # Every key is already reported as unknown.
    for line in dict.fromkeys(lines):
        if line.strip() and not line.startswith("#") and line not in step.ssh_keys:
            aspect = f"key {_fingerprint(line)}"
            yield Item(step.layer, file, aspect, None, line, Status.EXTRA, step.id)


def _find_line(file: str, key: str) -> str | None:
    return key if key in (read_text(file) or "").splitlines() else None


def _fingerprint(line: str) -> str:
    """Return the fingerprint of a key as ssh prints it, or of the line if it has no key."""
    blob = next((word for word in line.split() if word.startswith("AAAA")), line)
    try:
        data = base64.b64decode(blob, validate=True)
    except ValueError:
        data = line.encode()
    return "SHA256:" + base64.b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def _find_group(name: str) -> grp.struct_group | None:
    try:
        return grp.getgrnam(name)
    except KeyError:
        return None


def _members(name: str) -> str | None:
    entry = _find_group(name)
    return None if entry is None else ", ".join(entry.gr_mem) or "none"


def _presence(path: str) -> str | None:
    return None if read_file_attributes(path, content=False) is None else "present"


def _find_account(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _primary_group(account: pwd.struct_passwd) -> str:
    try:
        return grp.getgrgid(account.pw_gid).gr_name
    except KeyError:
        return str(account.pw_gid)


def _owner(path: str) -> str | None:
    attributes = read_file_attributes(path, content=False)
    return None if attributes is None else attributes.owner


def _password(name: str) -> str | None:
    """Return the state of a password; no password matches a field that starts with `!` or `*`."""
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
