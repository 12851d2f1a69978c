"""What a lock promises one machine, item by item."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.compare.promise import ComparedItem, fingerprint
from rigspec.lock.conda_files import explicit_packages
from rigspec.lock.model import LockedEnv, LockedMachine
from rigspec.lock.requirements import pins
from rigspec.resolution import Resolution

__all__ = ["locked_promises", "resolved_promises"]

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
