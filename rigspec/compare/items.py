"""The items of a machine that are compared: versions, packages, files, users, services."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rigspec.lock.model import LockedEnv, LockedMachine
from rigspec.plan.steps import Step
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
    ("docker", "container engine"),
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
    if machine.image is not None and machine.image.digest is not None:
        digest = machine.image.digest.removeprefix("sha256:")
        yield ComparedItem("base image", machine.image.reference, "the image", digest)
    for archive in machine.archives:
        yield ComparedItem("archives", archive.name, f"{archive.suite} of {archive.released}")
    for repository in machine.repositories:
        place = f"{repository.url} {repository.suite}".rstrip()
        value = f"{place}, key {repository.key_fingerprint}"
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
    for conda in env.conda_packages:
        build = f"{conda.version} {conda.build}"
        yield ComparedItem("conda packages", f"{env.name}: {conda.name}", build)
    for settings in env.settings:
        value = f"{settings.path} ({settings.format})"
        yield ComparedItem("settings", f"{env.name}: {settings.framework}", value)


def iterate_step_items(steps: Iterable[Step]) -> Iterator[ComparedItem]:
    """Yield the files, variables, users, services, kernel arguments and checks of the steps."""
    for step in steps:
        for fact in step.facts:
            part = fact.layer or step.layer
            yield ComparedItem(fact.section, fact.name, fact.value, fact.content, part)


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
