"""The secure shell, and what keeps those away who guess at it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rigspec.lock.model import LockedService
from rigspec.plan.paths import service_packages
from rigspec.plan.steps import Check, File, Service, Step
from rigspec.spec.models.rig import Rig
from rigspec.spec.models.services import Fail2ban, Ssh

__all__ = ["guard_steps", "ssh_checks", "ssh_steps"]

_PACKAGES = service_packages("service")
_HOST_PACKAGES = service_packages("host-service")
# Who has no key on the machine does not log in; root does not at all.
_LOG_IN = (
    ("PasswordAuthentication", "no"),
    ("KbdInteractiveAuthentication", "no"),
    ("PermitRootLogin", "no"),
    ("X11Forwarding", "no"),
)
# The word for it before OpenSSH 8.7, which newer ones still take.
_OLDER = {"KbdInteractiveAuthentication": "ChallengeResponseAuthentication"}
# Of several files with settings the one that is read first wins: the server says what it made of
# all. Where it does not run yet, the folder that it will not be without is missing.
_FOLDER = "test -d /run/sshd || { mkdir -m 0755 /run/sshd && trap 'rmdir /run/sshd' EXIT; }; "
_EFFECTIVE = f'{_FOLDER}/usr/sbin/sshd -T | grep -E "$1" | sort | paste -s -d " "'
_CHECKED = ("kbdinteractiveauthentication", "passwordauthentication", "permitrootlogin", "port")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def ssh_steps(rig: Rig, service: LockedService) -> Iterator[Step]:
    """Its settings, and its unit."""
    ssh = rig.service.ssh
    if ssh is None:
        return
    options = service.form == "options"
    yield File(
        id="service-ssh-settings",
        title="Settings of the secure shell",
        part="service",
        # A file that the package brings itself is written over once that is there.
        needs=(_PACKAGES,) if options else (),
        path=service.settings,
        content=_options(ssh) if options else _directives(ssh),
        keys_only=True,
    )
    yield Service(
        id="service-ssh",
        title=f"The secure shell on port {ssh.port}, for keys only",
        part="service",
        needs=(_PACKAGES, "service-ssh-settings"),
        name=service.unit,
        configured_by=("service-ssh-settings",),
        tried=("sh", "-c", _tried(service.settings if options else None)),
        port=ssh.port,
    )


def guard_steps(rig: Rig, service: LockedService) -> Iterator[Step]:
    """The jail of the secure shell, and the unit of its guard."""
    ssh = rig.service.ssh
    if ssh is None or ssh.guard is None:
        return
    yield File(
        id="service-fail2ban-settings",
        title=f"What fail2ban does about port {ssh.port}",
        part="host-service",
        path=service.settings,
        content=_jail(ssh, ssh.guard, service),
    )
    yield Service(
        id="service-fail2ban",
        title="fail2ban, which keeps those away who guess at the secure shell",
        part="host-service",
        needs=(_HOST_PACKAGES, "service-fail2ban-settings"),
        name=service.unit,
        configured_by=("service-fail2ban-settings",),
    )


def ssh_checks(rig: Rig, services: Iterable[LockedService]) -> Iterator[Check]:
    """What the server goes by, where other files than the rig's may say something else."""
    ssh = rig.service.ssh
    by_files = any(each.name == "ssh" and each.form != "options" for each in services)
    if ssh is None or not by_files:
        return
    values = {name.lower(): value for name, value in (("Port", str(ssh.port)), *_LOG_IN)}
    yield Check(
        title="settings of the secure shell",
        command=("sh", "-c", _EFFECTIVE, "sh", f"^({'|'.join(_CHECKED)}) "),
        expect=" ".join(f"{name} {values[name]}" for name in _CHECKED),
        part="service",
        root=True,
    )


def _directives(ssh: Ssh) -> str:
    lines = (f"{name} {value}\n" for name, value in (("Port", ssh.port), *_LOG_IN))
    return "# Written by rigspec.\n" + "".join(lines)


def _options(ssh: Ssh) -> str:
    values = (("Port", ssh.port), *_LOG_IN)
    options = " ".join(f"-o {_OLDER.get(name, name)}={value}" for name, value in values)
    return f'# Written by rigspec.\nSSHD_OPTS="{options}"\n'


def _tried(options: str | None) -> str:
    """The server reads all its settings and ends, with those of its command line in a file."""
    given = f"! test -e {options} || . {options}; " if options is not None else ""
    return f"{_FOLDER}{given}/usr/sbin/sshd -t{' $SSHD_OPTS' if given else ''}"


def _jail(ssh: Ssh, guard: Fail2ban, service: LockedService) -> str:
    """Times in seconds, which every version reads; and the journal, which every systemd has."""
    lines = (
        "# Written by rigspec.",
        "[sshd]",
        "enabled = true",
        f"port = {ssh.port}",
        "backend = systemd",
        f"bantime = {_seconds(guard.bantime)}",
        f"findtime = {_seconds(guard.findtime)}",
        f"maxretry = {guard.maxretry}",
        *(re.split(r";\s*", service.options) if service.options else ()),
    )
    return "".join(f"{line}\n" for line in lines)


def _seconds(duration: str) -> int:
    return int(duration[:-1]) * _SECONDS[duration[-1]]
