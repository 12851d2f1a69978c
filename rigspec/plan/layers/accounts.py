"""Accounts, what they belong to, and what of the machine is theirs, as steps."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from rigspec.lock.model import LockedMachine
from rigspec.plan.paths import access_group, env_path, users_profile_path
from rigspec.plan.services.jupyter import notebook_account
from rigspec.plan.steps import Access, Check, File, Group, Quota, Step, User
from rigspec.spec.models.rig import Rig

__all__ = ["access_steps", "account_checks", "group_steps", "quota_steps", "user_steps"]

_PART = "user"
_KIB = 1024
# By the numbers of nvidia-smi, not in the order of speed: what the notebooks' units say, too.
_ORDER = ("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_HEAD = """\
# Written by rigspec: the GPUs of each user, for programs that ask CUDA which there are.
# This divides by courtesy and not by force: whoever sets the variable anew has them all.
"""


def group_steps(rig: Rig) -> Iterator[Step]:
    """The groups that the rig makes for its users to share."""
    for name in rig.system.groups if rig.system is not None else ():
        yield Group(id=f"group-{_dashed(name)}", title=f"Group {name}", part=_PART, name=name)


def user_steps(rig: Rig, locked: LockedMachine) -> Iterator[Step]:
    """One account a user. Settings files come first, so that new homes are made with them."""
    files = sorted({s.path for env in locked.envs for s in env.settings if s.place is None})
    for name in sorted(rig.user):
        user = rig.user[name]
        yield User(
            id=f"user-{_dashed(name)}",
            title=f"Account {name}",
            part=_PART,
            name=name,
            groups=tuple(user.groups),
            ssh_keys=tuple(user.ssh_keys),
            files=tuple(files),
        )
    yield from notebook_account(rig)
    yield from _gpus(rig)


def access_steps(rig: Rig, locked: LockedMachine) -> Iterator[Step]:
    """Who may use which environment: nothing is said where every user may use all of them.

    An environment that is for some belongs to a group of theirs and nobody else enters it. One
    that is for all is said to be, so that a restriction of yesterday ends.
    """
    if all(user.envs is None for user in rig.user.values()):
        return
    for env in locked.envs:
        members = tuple(
            name
            for name, user in sorted(rig.user.items())
            if user.envs is None or env.name in user.envs
        )
        restricted = len(members) < len(rig.user)
        group = access_group(env.name)
        if restricted:
            yield Group(
                id=f"members-{_dashed(env.name)}",
                title=f"Group of those who may use {env.name}",
                part=_PART,
                name=group,
                members=members,
            )
        yield Access(
            id=f"access-{_dashed(env.name)}",
            title=f"Who may use {env.name}: {', '.join(members) if restricted else 'everybody'}",
            part=_PART,
            needs=(f"env-{_dashed(env.name)}",),
            path=env_path(env.name),
            owner=f"root:{group}" if restricted else "root:root",
            mode="0750" if restricted else "0755",
        )


def quota_steps(rig: Rig) -> Iterator[Step]:
    """What each user may fill of the disk."""
    for name, user in sorted(rig.user.items()):
        if user.quota is not None:
            yield Quota(
                id=f"quota-{_dashed(name)}",
                title=f"Quota of {name}: {user.quota}",
                part=_PART,
                needs=(f"user-{_dashed(name)}",),
                user=name,
                limit=str(user.quota),
                kib=max(1, int(user.quota.octets) // _KIB),
            )


def account_checks(rig: Rig) -> Iterator[Check]:
    """What a fresh log-in shell of each user has."""
    for name, gpus in _divided(rig).items():
        yield Check(
            title=f"GPUs in a log-in shell of {name}",
            command=("runuser", "-l", name, "-c", f"printenv {_VISIBLE}"),
            expect=gpus,
            part=_PART,
            root=True,
        )


def _gpus(rig: Rig) -> Iterator[Step]:
    """A file that switches on the user: it works for `su -`, ssh and the console alike."""
    divided = _divided(rig)
    if not divided:
        return
    lines = []
    for name, gpus in divided.items():
        values = (_ORDER, (_VISIBLE, gpus))
        said = " ".join(f"{variable}={shlex.quote(value)}" for variable, value in values)
        lines.append(f"  {shlex.quote(name)}) export {said} ;;\n")
    yield File(
        id="gpus-of-users",
        title="GPUs of each user",
        part=_PART,
        path=users_profile_path(rig.name),
        content=f'{_HEAD}case "$(id -un)" in\n{"".join(lines)}esac\n',
    )


def _divided(rig: Rig) -> dict[str, str]:
    return {
        name: ",".join(map(str, user.gpus))
        for name, user in sorted(rig.user.items())
        if user.gpus is not None
    }


def _dashed(name: str) -> str:
    return name.replace("_", "-")
