"""Check an account, its groups and its SSH keys."""

from __future__ import annotations

import base64
import grp
import hashlib
import pwd
import shlex
from collections.abc import Iterator, Sequence
from functools import partial

from rigspec.plan.inspection.expectation import (
    Expectation,
    ProbeError,
    compare,
    read_file_attributes,
    read_text,
)
from rigspec.plan.inspection.files import check_attributes
from rigspec.plan.inspection.findings import Finding, Fix, Inspection, Status
from rigspec.plan.steps.user import UserStep

__all__ = ["check", "fix"]

_NO_PASSWORD = "none"  # noqa: S105 - not a password


def check(step: UserStep, _: Inspection) -> Iterator[Finding]:
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


def fix(step: UserStep, findings: Sequence[Finding]) -> Fix:
    """Return commands for an account; the installer does not change foreign keys or owners."""
    commands, rerun = [], False
    for item in findings:
        if item.status is Status.EXTRA:
            commands.append(f"# remove manually from {item.name}: {item.aspect}")
        elif item.aspect == "password":
            commands.append(f"passwd --lock {shlex.quote(step.name)}")
        elif item.aspect == "owner" and item.found is not None:
            owner, path = shlex.quote(item.expected or ""), shlex.quote(item.name)
            commands.append(f"chown --no-dereference {owner} {path}")
        else:
            rerun = True
    return Fix(tuple(commands), rerun)


def _check_keys(step: UserStep, file: str) -> Iterator[Finding]:
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
            yield Finding(step.layer, file, aspect, None, line, Status.EXTRA, step.id)


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
