"""Steps for groups, accounts, access to environments, quotas and GPU assignment."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from rigspec.lock.model import LockedMachine
from rigspec.plan.paths import access_group, env_path, users_profile_path
from rigspec.plan.services.jupyter.steps import get_notebook_account
from rigspec.plan.services.program.steps import get_program_account
from rigspec.plan.settings import RigSettings
from rigspec.plan.steps import AccessStep, Check, FileStep, GroupStep, QuotaStep, Step, UserStep

__all__ = [
    "build_access_steps",
    "build_account_checks",
    "build_quota_steps",
    "build_user_steps",
    "group_steps",
]

_LAYER = "user"
_KIB = 1024
# Number GPUs as nvidia-smi does, not by speed. The units of notebook servers do the same.
_ORDER = ("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_HEAD = """\
# Written by rigspec: the GPUs of each user.
# Advisory only: a user can override CUDA_VISIBLE_DEVICES.
"""


def group_steps(rig: RigSettings) -> Iterator[Step]:
    """Yield a step for each group of the spec."""
    for name in rig.groups:
        yield GroupStep(id=f"group-{_to_id(name)}", title=f"Group {name}", layer=_LAYER, name=name)


def build_user_steps(rig: RigSettings, locked: LockedMachine) -> Iterator[Step]:
    """Yield a step for each account, and the GPU assignment.

    Configuration files in /etc/skel are written before, so that new home directories have them.
    """
    files = sorted({s.path for env in locked.envs for s in env.settings if s.place is None})
    for name in sorted(rig.user):
        user = rig.user[name]
        yield UserStep(
            id=f"user-{_to_id(name)}",
            title=f"Account {name}",
            layer=_LAYER,
            name=name,
            groups=tuple(user.groups),
            ssh_keys=tuple(user.ssh_keys),
            files=tuple(files),
        )
    yield from get_notebook_account(rig)
    yield from get_program_account(rig)
    yield from _gpu_assignment(rig)


def build_access_steps(rig: RigSettings, locked: LockedMachine) -> Iterator[Step]:
    """Yield the access steps of the environments, unless every user may use all of them.

    A restricted environment belongs to a group of its users. Access to the others is reset, in case
    an earlier version of the rig restricted it.
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
            yield GroupStep(
                id=f"members-{_to_id(env.name)}",
                title=f"Group of environment {env.name}",
                layer=_LAYER,
                name=group,
                members=members,
            )
        yield AccessStep(
            id=f"access-{_to_id(env.name)}",
            title=f"Access to environment {env.name}",
            layer=_LAYER,
            needs=(f"env-{_to_id(env.name)}",),
            path=env_path(env.name),
            owner=f"root:{group}" if restricted else "root:root",
            mode="0750" if restricted else "0755",
        )


def build_quota_steps(rig: RigSettings) -> Iterator[Step]:
    """Yield the disk quota of each user."""
    for name, user in sorted(rig.user.items()):
        if user.quota is not None:
            yield QuotaStep(
                id=f"quota-{_to_id(name)}",
                title=f"Disk quota of {name}: {user.quota}",
                layer=_LAYER,
                needs=(f"user-{_to_id(name)}",),
                user=name,
                limit=str(user.quota),
                kib=max(1, int(user.quota.octets) // _KIB),
            )


def build_account_checks(rig: RigSettings) -> Iterator[Check]:
    """Yield a check of the GPUs in the login shell of each user."""
    for name, gpus in _assigned_gpus(rig).items():
        yield Check(
            title=f"GPUs in the login shell of {name}",
            command=("runuser", "-l", name, "-c", f"printenv {_VISIBLE}"),
            expect=gpus,
            layer=_LAYER,
            requires_root=True,
        )


def _gpu_assignment(rig: RigSettings) -> Iterator[Step]:
    """Yield a profile script with a `case` per user, for `su -`, SSH and console logins."""
    assigned = _assigned_gpus(rig)
    if not assigned:
        return
    lines = []
    for name, gpus in assigned.items():
        values = (_ORDER, (_VISIBLE, gpus))
        assignments = " ".join(f"{variable}={shlex.quote(value)}" for variable, value in values)
        lines.append(f"  {shlex.quote(name)}) export {assignments} ;;\n")
    yield FileStep(
        id="gpus-of-users",
        title="GPU assignment of users",
        layer=_LAYER,
        path=users_profile_path(rig.name),
        content=f'{_HEAD}case "$(id -un)" in\n{"".join(lines)}esac\n',
    )


def _assigned_gpus(rig: RigSettings) -> dict[str, str]:
    return {
        name: ",".join(map(str, user.gpus))
        for name, user in sorted(rig.user.items())
        if user.gpus is not None
    }


def _to_id(name: str) -> str:
    return name.replace("_", "-")
