"""The items of a machine that are compared: versions, packages, files, users, services."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from rigspec.lock.conda.lockfile import read_explicit_packages
from rigspec.lock.model import LockedEnv, LockedMachine
from rigspec.plan.steps import (
    AccessStep,
    AptPackagesStep,
    AptRepositoryStep,
    AptSourceStep,
    ArchiveStep,
    CertificateStep,
    DownloadStep,
    EnvironmentStep,
    EnvironmentVariablesStep,
    FileStep,
    GroupStep,
    InstallerStep,
    KernelArgumentsStep,
    PlatformStep,
    QuotaStep,
    RebootStep,
    SecretStep,
    ServiceStep,
    SourceBuildStep,
    Step,
    UserStep,
    VariablesStep,
    VerifyStep,
)
from rigspec.resolution import Resolution

__all__ = [
    "ComparedItem",
    "compute_fingerprint",
    "iterate_locked_items",
    "iterate_resolved_items",
    "iterate_step_items",
]

_LAYERS = (
    ("os", "operating system"),
    ("arch", "architecture"),
    ("glibc", "glibc"),
    ("driver", "driver"),
    ("cuda", "CUDA"),
    ("cudnn", "cuDNN"),
    ("cudnn_cuda", "CUDA that cuDNN is built for"),
)


def iterate_resolved_items(resolution: Resolution) -> Iterator[ComparedItem]:
    """Yield the resolved versions. ``about`` is the component for ``rigspec why``."""
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


def iterate_locked_items(machine: LockedMachine) -> Iterator[ComparedItem]:
    """Yield everything that the lock pins for a machine, resolved versions first."""
    yield from iterate_resolved_items(machine.resolution)
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
        yield from _iterate_environment(env)
    for item in machine.unpinned:
        yield ComparedItem("not pinned", item.what, item.reason)


def _iterate_environment(env: LockedEnv) -> Iterator[ComparedItem]:
    for package in (*env.tools, *env.packages):
        name, content = f"{env.name}: {package.name}", compute_fingerprint(" ".join(package.sha256))
        yield ComparedItem("Python packages", name, package.version, content)
    for name, (version, build) in read_explicit_packages(env.explicit).items():
        yield ComparedItem("conda packages", f"{env.name}: {name}", f"{version} {build}")
    for settings in env.settings:
        value = f"{settings.path} ({settings.format})"
        yield ComparedItem("settings", f"{env.name}: {settings.framework}", value)


# Step kinds whose items are already in the lock.
_LOCKED = (AptPackagesStep, AptRepositoryStep, PlatformStep)


def iterate_step_items(steps: Iterable[Step]) -> Iterator[ComparedItem]:
    """Yield the files, variables, users, services, kernel arguments and checks of the steps."""
    for step in steps:
        if not isinstance(step, _LOCKED):
            yield from _iterate_step(step)


def _iterate_step(step: Step) -> Iterator[ComparedItem]:
    match step:
        case FileStep():
            value = f"{step.owner}, mode {step.mode}"
            yield ComparedItem(
                "files", step.path, value, compute_fingerprint(step.content), step.layer
            )
        case DownloadStep():
            yield ComparedItem("files", step.to, f"mode {step.mode}", step.file.sha256, step.layer)
        case ArchiveStep() | InstallerStep() | SourceBuildStep():
            yield ComparedItem("files", step.creates, f"from {step.file.name}", part=step.layer)
        case EnvironmentStep():
            value = f"Python {step.python} by {' '.join(step.create_command)}, pip {step.pip}"
            yield ComparedItem("environments", step.path, value, part=step.layer)
        case VariablesStep():
            for variable in step.variables:
                suffix = "(prepended)" if variable.prepend else ""
                value = " ".join([":".join(variable.values), suffix]).strip()
                yield ComparedItem("variables", variable.name, value, part=step.layer)
        case EnvironmentVariablesStep():
            for variable in step.variables:
                name = f"{variable.name} in {step.name}"
                yield ComparedItem("variables", name, ":".join(variable.values), part=step.layer)
        case GroupStep():
            members = "any user" if step.members is None else ", ".join(step.members)
            yield ComparedItem("users", f"group {step.name}", members, part=step.layer)
        case AccessStep():
            yield ComparedItem(
                "files", step.path, f"{step.owner}, mode {step.mode}", part=step.layer
            )
        case QuotaStep():
            yield ComparedItem("users", f"quota of {step.user}", step.limit, part=step.layer)
        case UserStep():
            groups = ", ".join(step.groups) or "no groups"
            keys = compute_fingerprint("\n".join(sorted(step.ssh_keys))) if step.ssh_keys else ""
            value = f"{groups}, {len(step.ssh_keys)} ssh keys"
            yield ComparedItem("users", step.name, value, keys, step.layer)
        case ServiceStep():
            value = "unit of the rig" if step.unit else "unit of the package"
            content = compute_fingerprint(step.unit) if step.unit else ""
            yield ComparedItem("services", step.name, value, content, step.layer)
        case SecretStep() | CertificateStep():
            yield from _iterate_secret(step)
        case KernelArgumentsStep():
            for argument in step.arguments:
                yield ComparedItem("kernel arguments", argument, "set", part=step.layer)
        case VerifyStep():
            for check in step.checks:
                expected = compute_fingerprint(" ".join([*check.command, check.expect]))
                yield ComparedItem(
                    "checks", check.title, check.expect or "nothing", expected, "check"
                )
        case RebootStep():
            yield ComparedItem("reboot", "a reboot", step.reason, part=step.layer)
        case AptSourceStep():
            value = "; ".join(step.entries) or f"{' '.join(step.components)}"
            yield ComparedItem("repositories", step.name, value, part=step.layer)
        case _:
            yield _build_generic_item(step)


def _iterate_secret(step: SecretStep | CertificateStep) -> Iterator[ComparedItem]:
    """Yield the path of a secret or certificate that no artifact contains."""
    if isinstance(step, SecretStep):
        value = f"the secret {step.name}, for {step.owner}"
        yield ComparedItem("files", step.path, value, part=step.layer)
    else:
        value = f"{step.algorithm} for {step.days} days, for {step.owner}"
        yield ComparedItem("files", step.certificate, value, part=step.layer)


def _build_generic_item(step: Step) -> ComparedItem:
    """Return an item for any other step, compared as a whole."""
    content = " ".join(f"{field.name}={getattr(step, field.name)!r}" for field in fields(step))
    return ComparedItem(step.kind, step.id, step.title, compute_fingerprint(content), step.layer)


_SHORT_DIGEST = 12


@dataclass(frozen=True)
class ComparedItem:
    """One item of a machine.

    Attributes:
        value: the text that is compared and shown.
        content: checksum of the content, if it is compared as well.
        part: layer of the rig that requires the item.
        about: component of the resolver that determines the item, if any.

    """

    layer: str
    name: str
    value: str
    content: str = ""
    part: str = ""
    about: str = ""

    @property
    def display_value(self) -> str:
        """Return the shortened checksum, or the value if there is none."""
        return f"sha256 {self.content[:_SHORT_DIGEST]}" if self.content else self.value


def compute_fingerprint(content: str | bytes) -> str:
    """Return the sha256 of a content in hexadecimal."""
    data = content.encode() if isinstance(content, str) else content
    return hashlib.sha256(data).hexdigest()
