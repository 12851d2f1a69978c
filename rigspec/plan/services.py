"""The services of a rig as steps: packages, settings, and the unit that runs."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.lock.model import LockedMachine, LockedService
from rigspec.plan.packages import listed_in, packages_of
from rigspec.plan.steps import AptPackages, File, Service, Step
from rigspec.spec.model import Rig
from rigspec.spec.service import Ssh

__all__ = ["service_steps", "services_left_out"]

_PACKAGES = "service-packages"
# Who has no key on the machine does not log in; root does not at all.
_LOG_IN = (
    ("PasswordAuthentication", "no"),
    ("KbdInteractiveAuthentication", "no"),
    ("PermitRootLogin", "no"),
    ("X11Forwarding", "no"),
)
# The word for it before OpenSSH 8.7, which newer ones still take.
_OLDER = {"KbdInteractiveAuthentication": "ChallengeResponseAuthentication"}


def service_steps(rig: Rig, locked: LockedMachine) -> Iterator[Step]:
    """What the rig runs: the accounts are there by then."""
    settings = [step for service in locked.services for step in _settings(rig, service)]
    packages = packages_of(locked, "service")
    # A service starts as soon as it is unpacked: where they may, its settings are there before it.
    yield from (step for step in settings if not step.needs)
    if packages:
        yield AptPackages(
            id=_PACKAGES,
            title="Packages of the services",
            part="service",
            packages=packages,
            listed=listed_in(locked, "service"),
        )
    yield from (step for step in settings if step.needs)
    for service in locked.services:
        yield from _unit(rig, service)


def services_left_out(rig: Rig, locked: LockedMachine) -> tuple[str, ...]:
    """The services that no step sets up."""
    made = {service.name for service in locked.services}
    if locked.notebook is not None:
        made.add("jupyter")
    names = ("ssh", "jupyter", "tmux", "dyndns")
    return tuple(name for name in names if getattr(rig.service, name) and name not in made)


def _settings(rig: Rig, service: LockedService) -> Iterator[File]:
    if service.name == "ssh" and rig.service.ssh is not None:
        options = service.form == "options"
        yield File(
            id="service-ssh-settings",
            title="Settings of the secure shell",
            part="service",
            # A file that the package brings itself is written over once that is there.
            needs=(_PACKAGES,) if options else (),
            path=service.settings,
            content=_options(rig.service.ssh) if options else _directives(rig.service.ssh),
        )


def _unit(rig: Rig, service: LockedService) -> Iterator[Service]:
    if service.name == "ssh" and rig.service.ssh is not None:
        yield Service(
            id="service-ssh",
            title=f"The secure shell on port {rig.service.ssh.port}, for keys only",
            part="service",
            needs=(_PACKAGES, "service-ssh-settings"),
            name=service.unit,
            configured_by=("service-ssh-settings",),
        )


def _directives(ssh: Ssh) -> str:
    lines = (f"{name} {value}\n" for name, value in (("Port", ssh.port), *_LOG_IN))
    return "# Written by rigspec.\n" + "".join(lines)


def _options(ssh: Ssh) -> str:
    values = (("Port", ssh.port), *_LOG_IN)
    options = " ".join(f"-o {_OLDER.get(name, name)}={value}" for name, value in values)
    return f'# Written by rigspec.\nSSHD_OPTS="{options}"\n'
