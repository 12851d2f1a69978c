"""One thing that a machine gets, as far as two machines can be held against each other by it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from rigspec.lock.conda.lockfile import explicit_packages
from rigspec.lock.model import LockedEnv, LockedMachine
from rigspec.lock.python.requirements_file import pins
from rigspec.plan.steps import (
    Access,
    AptPackages,
    AptRepository,
    AptSource,
    Archive,
    Certificate,
    Download,
    Environment,
    EnvironmentVariables,
    File,
    Group,
    Installer,
    KernelArguments,
    Platform,
    Quota,
    Reboot,
    Secret,
    Service,
    Step,
    User,
    Variables,
    Verify,
)
from rigspec.resolution import Resolution

__all__ = ["ComparedItem", "fingerprint", "locked_promises", "resolved_promises", "step_promises"]

_LAYERS = (
    ("os", "operating system"),
    ("arch", "architecture"),
    ("glibc", "glibc"),
    ("driver", "driver"),
    ("cuda", "CUDA"),
    ("cudnn", "cuDNN"),
    ("cudnn_cuda", "CUDA that cuDNN is built for"),
)


def resolved_promises(resolution: Resolution) -> Iterator[ComparedItem]:
    """The versions that were decided. ``about`` is the component that `why` can be asked for."""
    for key, name in _LAYERS:
        version = getattr(resolution, key)
        if version is not None:
            yield ComparedItem("versions", name, version, about=key)
    for env in resolution.envs:
        yield ComparedItem(
            "versions", f"{env.name}: Python", env.python, about=f"{env.name}/python"
        )
        yield ComparedItem("versions", f"{env.name}: pip", env.pip, about=f"{env.name}/pip")
        if env.installer is not None:
            about = f"{env.name}/installer"
            yield ComparedItem("versions", f"{env.name}: installer", env.installer, about=about)
        if env.cuda is not None:
            yield ComparedItem("versions", f"{env.name}: CUDA in the wheels", env.cuda)
        for pin in env.frameworks:
            about = f"{env.name}/{pin.name}"
            yield ComparedItem("versions", f"{env.name}: {pin.name}", pin.version, about=about)


def locked_promises(machine: LockedMachine) -> Iterator[ComparedItem]:
    """Everything that the lock pins for a machine, the versions that were decided first."""
    yield from resolved_promises(machine.resolution)
    if machine.image is not None:
        digest = machine.image.digest.removeprefix("sha256:")
        yield ComparedItem("base image", machine.image.reference, "the image", digest)
    for archive in machine.archives:
        yield ComparedItem("archives", archive.name, f"{archive.suite} of {archive.released}")
    for repository in machine.repositories:
        value = f"{repository.url} {repository.suite}, key {repository.key_fingerprint}"
        yield ComparedItem("repositories", repository.name, value)
    for package in machine.packages:
        version = package.version or "unpinned"
        content = package.sha256 or ""
        yield ComparedItem("packages", package.name, version, content, part=package.part)
    for file in machine.files:
        yield ComparedItem("downloads", file.name, "the file", file.sha256, part=file.part)
    for env in machine.envs:
        yield from _environment(env)
    for item in machine.unpinned:
        yield ComparedItem("left unpinned", item.what, item.reason)


def _environment(env: LockedEnv) -> Iterator[ComparedItem]:
    for pin in pins(env.tools + env.requirements):
        content = fingerprint(" ".join(sorted(pin.sha256)))
        yield ComparedItem("Python packages", f"{env.name}: {pin.name}", str(pin.version), content)
    for name, (version, build) in explicit_packages(env.explicit).items():
        yield ComparedItem("conda packages", f"{env.name}: {name}", f"{version} {build}")
    for settings in env.settings:
        value = f"{settings.path} ({settings.format})"
        yield ComparedItem("settings", f"{env.name}: {settings.framework}", value)


# Told by the lock already, each package and repository by itself.
_LOCKED = (AptPackages, AptRepository, Platform)


def step_promises(steps: Iterable[Step]) -> Iterator[ComparedItem]:
    """Files, variables, accounts, services, the kernel's arguments, and every check at the end."""
    for step in steps:
        if not isinstance(step, _LOCKED):
            yield from _promises(step)


def _promises(step: Step) -> Iterator[ComparedItem]:
    match step:
        case File():
            value = f"{step.owner}, mode {step.mode}"
            yield ComparedItem("files", step.path, value, fingerprint(step.content), step.layer)
        case Download():
            yield ComparedItem("files", step.to, f"mode {step.mode}", step.file.sha256, step.layer)
        case Archive() | Installer():
            yield ComparedItem("files", step.creates, f"from {step.file.name}", part=step.layer)
        case Environment():
            made = f"Python {step.python} by {' '.join(step.create_command)}, pip {step.pip}"
            yield ComparedItem("environments", step.path, made, part=step.layer)
        case Variables():
            for variable in step.variables:
                before = "before what is there" if variable.prepend else ""
                value = " ".join([":".join(variable.values), before]).strip()
                yield ComparedItem("variables", variable.name, value, part=step.layer)
        case EnvironmentVariables():
            for variable in step.variables:
                name = f"{variable.name} in {step.name}"
                yield ComparedItem("variables", name, ":".join(variable.values), part=step.layer)
        case Group():
            members = "anybody" if step.members is None else ", ".join(step.members)
            yield ComparedItem("users", f"group {step.name}", members, part=step.layer)
        case Access():
            yield ComparedItem(
                "files", step.path, f"{step.owner}, mode {step.mode}", part=step.layer
            )
        case Quota():
            yield ComparedItem("users", f"quota of {step.user}", step.limit, part=step.layer)
        case User():
            groups = ", ".join(step.groups) or "no groups"
            keys = fingerprint("\n".join(sorted(step.ssh_keys))) if step.ssh_keys else ""
            value = f"{groups}, {len(step.ssh_keys)} ssh keys"
            yield ComparedItem("users", step.name, value, keys, step.layer)
        case Service():
            value = "a unit of the rig's own" if step.unit else "the package's unit"
            content = fingerprint(step.unit) if step.unit else ""
            yield ComparedItem("services", step.name, value, content, step.layer)
        case Secret() | Certificate():
            yield from _kept_apart(step)
        case KernelArguments():
            for argument in step.arguments:
                yield ComparedItem("kernel arguments", argument, "given", part=step.layer)
        case Verify():
            for check in step.checks:
                expected = fingerprint(" ".join([*check.command, check.expect]))
                yield ComparedItem(
                    "checks", check.title, check.expect or "nothing", expected, "check"
                )
        case Reboot():
            yield ComparedItem("reboot", "a reboot", step.reason, part=step.layer)
        case AptSource():
            value = "; ".join(step.entries) or f"{' '.join(step.components)}"
            yield ComparedItem("repositories", step.name, value, part=step.layer)
        case _:
            yield _unknown(step)


def _kept_apart(step: Secret | Certificate) -> Iterator[ComparedItem]:
    """What no artifact holds: its place, and how it is made or by which name it is asked for."""
    if isinstance(step, Secret):
        value = f"the secret {step.name}, for {step.owner}"
        yield ComparedItem("files", step.path, value, part=step.layer)
    else:
        value = f"{step.algorithm} for {step.days} days, for {step.owner}"
        yield ComparedItem("files", step.certificate, value, part=step.layer)


def _unknown(step: Step) -> ComparedItem:
    """A kind of step that has come since: held against the other machine's as a whole."""
    told = " ".join(f"{field.name}={getattr(step, field.name)!r}" for field in fields(step))
    return ComparedItem(step.kind, step.id, step.title, fingerprint(told), step.layer)


_SHORT = 12


@dataclass(frozen=True)
class ComparedItem:
    """``value`` is what a person compares, ``content`` a checksum of what stands behind it.

    ``part`` is the layer of the rig that asks for it; ``about`` the component of the resolver that
    decided it, where one did.
    """

    layer: str
    name: str
    value: str
    content: str = ""
    part: str = ""
    about: str = ""

    @property
    def shown(self) -> str:
        """As much of the checksum as a reader compares; the value where there is none."""
        return f"sha256 {self.content[:_SHORT]}" if self.content else self.value


def fingerprint(content: str | bytes) -> str:
    """The sha256 of a content, in hex."""
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()
