"""Where things stand on a machine that rigspec built."""

from __future__ import annotations

__all__ = [
    "INSTALLED",
    "PACKAGES",
    "cuda_home",
    "env_path",
    "env_python",
    "installer_path",
    "package_list",
    "profile_path",
]

_ROOT = "/opt/rig"

# The program that holds an environment against its requirements files.
INSTALLED = "installed.py"
# The program that holds the packages of the system against the lock.
PACKAGES = "packages.sh"


def package_list(part: str) -> str:
    """The file that lists the packages of a part."""
    return f"packages.{part}.txt"


def env_path(env: str) -> str:
    """The folder of a Python environment."""
    return f"{_ROOT}/envs/{env}"


def env_python(env: str) -> str:
    """The interpreter of a Python environment."""
    return f"{env_path(env)}/bin/python"


def installer_path(installer: str) -> str:
    """Where a self-extracting installer (``Anaconda3 5.2.0``) puts what it brings."""
    return f"{_ROOT}/{installer.lower().replace(' ', '-')}"


def cuda_home(version: str) -> str:
    """The toolkit's own folder: NVIDIA's packages and runfiles both use it."""
    major, minor, *_ = version.split(".")
    return f"/usr/local/cuda-{major}.{minor}"


def profile_path(rig: str) -> str:
    """The file that gives every log-in session the rig's variables."""
    return f"/etc/profile.d/rig-{rig}.sh"
