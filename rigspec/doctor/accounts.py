"""Accounts: the home, the groups, and keys that nobody else may write or read."""

from __future__ import annotations

import grp
import pwd
from collections.abc import Iterator
from functools import partial

from rigspec.doctor.host import Promise, file_attributes, held
from rigspec.doctor.model import Item
from rigspec.doctor.places import attributes_of, content_digest
from rigspec.plan.steps import User

__all__ = ["user"]


def user(step: User) -> Iterator[Item]:
    """An account, and what makes that its owner alone can log in to it."""
    name = step.name
    home = f"/home/{name}"
    account = _account(name)
    promise = Promise(step.part, name, "home", home, step.id)
    yield held(promise, lambda: None if account is None else account.pw_dir)
    if account is None:
        return
    owner = f"{name}:{_own_group(account)}"
    promise = Promise(step.part, home, "owner", owner, step.id)
    yield held(promise, lambda: _owner(home))
    for group in step.groups:
        promise = Promise(step.part, name, f"group {group}", "member", step.id)
        yield held(promise, partial(_membership, account, group))
    if step.ssh_keys:
        keys = content_digest("".join(f"{key}\n" for key in step.ssh_keys))
        folder = f"{home}/.ssh"
        yield from attributes_of(step.part, folder, step.id, owner=owner, mode="0700")
        file = f"{folder}/authorized_keys"
        yield from attributes_of(step.part, file, step.id, owner=owner, mode="0600", sha256=keys)


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


def _membership(account: pwd.struct_passwd, group: str) -> str | None:
    try:
        entry = grp.getgrnam(group)
    except KeyError:
        return None
    member = account.pw_name in entry.gr_mem or account.pw_gid == entry.gr_gid
    return "member" if member else "not a member"
