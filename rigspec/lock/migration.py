"""Content of a ``rig.lock`` of an earlier release, as that of the current format.

Format 1 (until 2026-11-29) recorded the toolkit only where the distribution has it, the source of
CUDA only where the spec leaves it open, and a base image only with its digest. Format 2 (until
2026-11-29) lacks the variables of builds. In format 3 (until 2026-11-29) the packages of an
environment build all of its source archives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rigspec.lock.model import Lock
from rigspec.lock.paths import get_nvidia_cuda_home
from rigspec.lock.python.builds.build_variables import list_build_variables

__all__ = ["UNPINNED_IMAGE", "VERSION", "find_version", "migrate"]

VERSION = 4
_WITHOUT_SEPARATE_BUILDS = 3

# The first words of an item that is unpinned, before the name of the image.
UNPINNED_IMAGE = "base image "


def find_version(lock: Lock) -> int:
    """Return the oldest format that a lock can be written in: earlier releases read it as well."""
    envs = (env for machine in lock.machines for env in machine.envs)
    return VERSION if any(env.builds for env in envs) else _WITHOUT_SEPARATE_BUILDS


def migrate(content: dict[str, Any], version: int) -> None:
    """Change the content of a lock of this format into that of the current one.

    Raises:
        KeyError: No release wrote this format.

    """
    if version > VERSION:
        raise KeyError(version)
    for number in range(version, VERSION):
        for machine in content["machines"]:
            _MIGRATIONS[number](machine)


def _migrate_from_1(machine: dict[str, Any]) -> None:
    resolution = machine["resolution"]
    cuda = resolution.get("cuda")
    provider = resolution.get("cuda_provider") or _find_provider(machine)
    if provider is not None:
        resolution["cuda_provider"] = provider
    if cuda is not None:
        machine.setdefault("toolkit", {"home": get_nvidia_cuda_home(cuda)})
    images = (item["what"] for item in machine.get("unpinned", ()))
    for what in images:
        if what.startswith(UNPINNED_IMAGE) and "image" not in machine:
            machine["image"] = {"reference": what.removeprefix(UNPINNED_IMAGE)}


def _migrate_from_2(machine: dict[str, Any]) -> None:
    for env in machine.get("envs", ()):
        env["build_variables"] = list_build_variables(env["packages"])


def _migrate_from_3(_: dict[str, Any]) -> None:
    """Change nothing: an environment without separate builds is as it was."""


def _find_provider(machine: Mapping[str, Any]) -> str | None:
    """Return where CUDA is installed from; None where nothing of the lock installs it."""
    if "toolkit" in machine:
        return "debian"
    if any(file.get("part") == "cuda" for file in machine.get("files", ())):
        return "runfile"
    if any(package["part"] == "cuda" for package in machine.get("packages", ())):
        return "nvidia" if machine.get("repositories") else "debian"
    return None


_MIGRATIONS: Mapping[int, Callable[[dict[str, Any]], None]] = {
    1: _migrate_from_1,
    2: _migrate_from_2,
    3: _migrate_from_3,
}
