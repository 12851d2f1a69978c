"""Settings files, accounts and the variables of a log-in session as steps."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rigspec.lock.model import LockedMachine, LockedSettings
from rigspec.plan.layout import cuda_home, profile_path
from rigspec.plan.steps import Download, File, Step, User, Variable, Variables
from rigspec.spec.model import Rig

__all__ = ["file_steps", "session_steps", "user_steps"]

# New accounts start as a copy of this folder.
_SKELETON = "/etc/skel"


def file_steps(rig: Rig, locked: LockedMachine) -> Iterator[Step]:
    """The rig's own downloads, and the settings files of its frameworks."""
    for name in sorted(rig.download):
        file = next(f for f in locked.files if f.part == f"download.{name}")
        yield Download(
            id=f"download-{name.replace('_', '-')}",
            title=f"Download {name}",
            part="download",
            file=file,
            to=rig.download[name].to,
        )
    for env in locked.envs:
        for settings in env.settings:
            yield from _settings(rig, env.name, settings)


def user_steps(rig: Rig) -> Iterator[Step]:
    """One account a user. Settings files come first, so that new homes are made with them."""
    for name in sorted(rig.user):
        user = rig.user[name]
        yield User(
            id=f"user-{name.replace('_', '-')}",
            title=f"Account {name}",
            part="user",
            name=name,
            ssh_keys=tuple(user.ssh_keys),
        )


def session_steps(rig: Rig, locked: LockedMachine) -> Iterator[Step]:
    """The variables that every log-in session gets."""
    variables = list(_variables(rig, locked))
    if variables:
        yield Variables(
            id="variables",
            title="Variables of every log-in session",
            part="session",
            path=profile_path(rig.name),
            variables=tuple(variables),
        )


def _settings(rig: Rig, env: str, settings: LockedSettings) -> Iterator[File]:
    values = rig.env[env].config[settings.framework]
    name = settings.framework.replace("_", "-")
    yield File(
        id=f"settings-{env.replace('_', '-')}-{name}",
        title=f"Settings of {settings.framework} for new accounts",
        part="settings",
        path=f"{_SKELETON}/{settings.path}",
        content=json.dumps(values, indent=4, sort_keys=True) + "\n",
    )


def _variables(rig: Rig, locked: LockedMachine) -> Iterator[Variable]:
    if locked.resolution.cuda is not None:
        home = cuda_home(locked.resolution.cuda)
        yield Variable("PATH", (f"{home}/bin",), prepend=True)
        yield Variable("LD_LIBRARY_PATH", (f"{home}/lib64",), prepend=True)
    if rig.system is None:
        return
    for name, value in sorted(rig.system.env.items()):
        if isinstance(value, str):
            yield Variable(name, (value,), prepend=False)
        else:
            yield Variable(name, tuple(value.prepend), prepend=True)
