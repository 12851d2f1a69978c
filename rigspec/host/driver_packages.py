"""Find out where the installed NVIDIA driver comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rigspec.host.probe import ProbeError, run_command

__all__ = [
    "detect_driver_source",
    "detect_kernel_modules",
    "find_installed_driver",
    "parse_package_origins",
]

# Packages of the driver's library, which every installation has, and of the driver itself.
_PATTERNS = ("libcuda1", "libnvidia-compute*", "nvidia-driver*", "nvidia-headless-*")
# Written by the runfile of a driver, which removes it again.
_UNINSTALLER = "/usr/bin/nvidia-uninstall"
_RUNFILE = "runfile"
# NVIDIA's repository on the web, and the ones that its installers unpack on the machine.
_NVIDIA = re.compile(r"\S+/compute/cuda/repos/|file:\S*/(?:cuda-repo|nvidia-driver-local-repo)-")
# The components of an archive that have the distribution's driver; `main` may be another archive's.
_DISTRIBUTION = ("contrib", "multiverse", "non-free", "restricted")


def find_installed_driver() -> str:
    """Return a line with name, version and origin for each installed package of the driver.

    Raises:
        ProbeError: The machine has no dpkg, or dpkg fails.
    """
    lines = list(_packages())
    if not lines and Path(_UNINSTALLER).exists():
        lines = [_RUNFILE]
    return "".join(f"{line}\n" for line in lines)


def _packages() -> Iterator[str]:
    form = "${binary:Package} ${db:Status-Status}\\n"
    try:
        output = run_command(("dpkg-query", "-W", "-f", form, *_PATTERNS), fails=True)
    except ProbeError:
        if Path(_UNINSTALLER).exists():
            return
        raise
    names = [line.split(" ")[0] for line in output.splitlines() if line.endswith(" installed")]
    if names:
        yield from parse_package_origins(run_command(("apt-cache", "policy", *names)))


def parse_package_origins(policy: str) -> Iterator[str]:
    """Yield name, version and origin of each installed package in the output of apt-cache policy.

    The origin is ``nvidia``, ``distribution`` or ``other``, without the name of a mirror.
    """
    for section in re.split(r"^(?=\S)", policy, flags=re.M):
        name, _, rest = section.partition(":\n")
        installed = re.search(r"^ \*\*\* (\S+) .*\n((?: {8}.*\n?)*)", rest, re.M)
        if installed is not None:
            yield f"{name} {installed[1]} {_origin(installed[2])}"


def _origin(sources: str) -> str:
    """Return the origin of a version from the archives that have it."""
    found = [line.split(maxsplit=1)[1] for line in sources.splitlines() if len(line.split()) > 1]
    if any(_NVIDIA.match(source) for source in found):
        return "nvidia"
    components = [source.split()[1].rpartition("/")[2] for source in found if " " in source]
    return "distribution" if any(c in _DISTRIBUTION for c in components) else "other"


def detect_driver_source(recorded: str, version: str | None) -> str | None:
    """Return the source of the driver as the spec names it; None if it is unknown.

    A package of another version than the loaded module's does not count.
    """
    if recorded.strip() == _RUNFILE:
        return _RUNFILE
    rows = [line.split() for line in recorded.splitlines()]
    origins = {
        row[2]
        for row in rows
        if len(row) == 3 and re.split(r"[-~+]", row[1].rpartition(":")[2])[0] == version
    }
    return next(iter(origins)) if len(origins) == 1 and "other" not in origins else None


def detect_kernel_modules(module: str) -> str | None:
    """Return whether the loaded kernel modules are open or proprietary."""
    if re.search(r"NVIDIA UNIX Open Kernel Module", module):
        return "open"
    return "proprietary" if re.search(r"NVIDIA UNIX \S+ Kernel Module", module) else None
