"""Steps for sshd and fail2ban."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rigspec.lock.model import LockedService
from rigspec.plan.paths import service_packages
from rigspec.plan.services.base import Service, ServiceContext
from rigspec.plan.settings import RigSettings
from rigspec.plan.steps import Check, FileStep, ServiceStep, Step
from rigspec.spec.models.services import Fail2ban, Ssh

__all__ = ["SshService", "build_guard_steps", "build_ssh_checks", "build_ssh_steps"]

_PACKAGES = service_packages("service")
_HOST_PACKAGES = service_packages("host-service")
# Accept only keys, and no root logins.
_LOGIN_OPTIONS = (
    ("PasswordAuthentication", "no"),
    ("KbdInteractiveAuthentication", "no"),
    ("PermitRootLogin", "no"),
    ("X11Forwarding", "no"),
)
# The name before OpenSSH 8.7, which newer versions still accept.
_OLD_NAMES = {"KbdInteractiveAuthentication": "ChallengeResponseAuthentication"}
# With several configuration files, the first value wins: ask sshd for the effective configuration.
# sshd -T needs /run/sshd, which is missing until sshd has been started.
_RUN_DIR = "test -d /run/sshd || { mkdir -m 0755 /run/sshd && trap 'rmdir /run/sshd' EXIT; }; "
# Where this is the unit, the first start of sshd creates the host keys that the test needs before.
_UNIT_WITHOUT_KEYS, _HOST_KEYS = "sshd.service", "ssh-keygen -A >/dev/null && "
_EFFECTIVE = f'{_RUN_DIR}/usr/sbin/sshd -T | grep -E "$1" | sort | paste -s -d " "'
_VERIFIED = (
    "kbdinteractiveauthentication",
    "passwordauthentication",
    "permitrootlogin",
    "port",
)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class SshService(Service):
    """sshd, and fail2ban for it."""

    name = "ssh"
    summary = "an SSH server that accepts keys only; bans addresses after failed logins"
    programs = "OpenSSH, fail2ban"

    def build_steps(self, context: ServiceContext) -> Iterator[Step]:
        """Yield the steps of sshd and fail2ban."""
        builders = {"ssh": build_ssh_steps, "fail2ban": build_guard_steps}
        for name, build in builders.items():
            service = context.find_locked(name)
            if service is not None:
                yield from build(context.rig, service)

    def build_checks(self, context: ServiceContext) -> Iterator[Check]:
        """Yield the check of sshd's effective configuration."""
        yield from build_ssh_checks(context.rig, context.locked.services)


def build_ssh_steps(rig: RigSettings, service: LockedService) -> Iterator[Step]:
    """Yield the configuration and the unit of sshd."""
    ssh = rig.service.ssh
    if ssh is None:
        return
    options = service.form == "options"
    settings = service.settings if options else None
    yield FileStep(
        id="service-ssh-settings",
        title="sshd configuration",
        layer="service",
        # A file that the package provides is replaced after it is installed.
        needs=(_PACKAGES,) if options else (),
        path=service.settings,
        content=_option_file(ssh) if options else _config_file(ssh),
        requires_ssh_key=True,
    )
    yield ServiceStep(
        id="service-ssh",
        title=f"sshd on port {ssh.port}, keys only",
        layer="service",
        needs=(_PACKAGES, "service-ssh-settings"),
        name=service.unit,
        restart_on=("service-ssh-settings",),
        config_test=("sh", "-c", _config_test(settings, service.unit)),
        port=ssh.port,
    )


def build_guard_steps(rig: RigSettings, service: LockedService) -> Iterator[Step]:
    """Yield the configuration and the unit of fail2ban."""
    ssh = rig.service.ssh
    if ssh is None or ssh.fail2ban_settings is None:
        return
    yield FileStep(
        id="service-fail2ban-settings",
        title=f"fail2ban configuration for port {ssh.port}",
        layer="host-service",
        path=service.settings,
        content=_jail_file(ssh, ssh.fail2ban_settings, service),
    )
    yield ServiceStep(
        id="service-fail2ban",
        title="fail2ban jail for sshd",
        layer="host-service",
        needs=(_HOST_PACKAGES, "service-fail2ban-settings"),
        name=service.unit,
        restart_on=("service-fail2ban-settings",),
    )


def build_ssh_checks(rig: RigSettings, services: Iterable[LockedService]) -> Iterator[Check]:
    """Yield a check of the effective configuration, which other files may change."""
    ssh = rig.service.ssh
    uses_files = any(each.name == "ssh" and each.form != "options" for each in services)
    if ssh is None or not uses_files:
        return
    values = {name.lower(): value for name, value in (("Port", str(ssh.port)), *_LOGIN_OPTIONS)}
    yield Check(
        title="sshd settings",
        command=("sh", "-c", _EFFECTIVE, "sh", f"^({'|'.join(_VERIFIED)}) "),
        expect=" ".join(f"{name} {values[name]}" for name in _VERIFIED),
        layer="service",
        requires_root=True,
    )


def _config_file(ssh: Ssh) -> str:
    lines = (f"{name} {value}\n" for name, value in (("Port", ssh.port), *_LOGIN_OPTIONS))
    return "# Written by rigspec.\n" + "".join(lines)


def _option_file(ssh: Ssh) -> str:
    values = (("Port", ssh.port), *_LOGIN_OPTIONS)
    options = " ".join(f"-o {_OLD_NAMES.get(name, name)}={value}" for name, value in values)
    return f'# Written by rigspec.\nSSHD_OPTS="{options}"\n'


def _config_test(options: str | None, unit: str) -> str:
    """Return the shell command that tests sshd's configuration and its command-line options."""
    keys = _HOST_KEYS if unit == _UNIT_WITHOUT_KEYS else ""
    source = f"! test -e {options} || . {options}; " if options is not None else ""
    return f"{_RUN_DIR}{keys}{source}/usr/sbin/sshd -t{' $SSHD_OPTS' if source else ''}"


def _jail_file(ssh: Ssh, guard: Fail2ban, service: LockedService) -> str:
    """Return the jail, with times in seconds, which all versions support, and the journal."""
    lines = (
        "# Written by rigspec.",
        "[sshd]",
        "enabled = true",
        f"port = {ssh.port}",
        "backend = systemd",
        f"bantime = {_to_seconds(guard.bantime)}",
        f"findtime = {_to_seconds(guard.findtime)}",
        f"maxretry = {guard.maxretry}",
        *(re.split(r";\s*", service.options) if service.options else ()),
    )
    return "".join(f"{line}\n" for line in lines)


def _to_seconds(duration: str) -> int:
    return int(duration[:-1]) * _SECONDS[duration[-1]]
