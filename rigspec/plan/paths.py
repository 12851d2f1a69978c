"""The paths on a machine that rigspec built."""

from __future__ import annotations

import hashlib

from rigspec.lock.model import LockedMachine

__all__ = [
    "APT_COMPONENTS",
    "APT_SOURCE_LINE",
    "CHECK_PACKAGES",
    "CHECK_RPMS",
    "GPU_METRICS",
    "NOTEBOOK_CONFIG",
    "NOTEBOOK_HEALTH",
    "VERIFY_PACKAGES",
    "access_group",
    "build_files",
    "env_path",
    "env_python",
    "installer_path",
    "interpreter_path",
    "library_dirs",
    "notebook_path",
    "package_list",
    "profile_path",
    "service_packages",
    "session_path",
    "users_profile_path",
]

_ROOT = "/opt/rig"
# shadow-utils: GROUP_NAME_MAX_LENGTH as Debian and Ubuntu build it.
_MAX_GROUP_LENGTH = 32

# Checks the packages of an environment against its requirements files.
VERIFY_PACKAGES = "verify_packages.py"
# Prints the source lines of further components of the distribution's archive.
APT_COMPONENTS = "apt-components.sh"
# Checks system packages against the lock.
CHECK_PACKAGES = "check-packages.sh"
# Checks packages of dnf against the lock.
CHECK_RPMS = "check-rpms.sh"
# Prints the source line of a package repository.
APT_SOURCE_LINE = "apt-source-line.sh"
# Configures a notebook server.
NOTEBOOK_CONFIG = "notebook_config.py"
# Checks the health of a notebook server.
NOTEBOOK_HEALTH = "notebook_health.py"
# Writes GPU metrics for node_exporter.
GPU_METRICS = "gpu_metrics.sh"


def service_packages(part: str) -> str:
    """Return the id of the step that installs the packages of services."""
    return "service-packages" if part == "service" else f"{part}-packages"


def session_path(name: str) -> str:
    """Return the path of a tmux layout."""
    return f"/etc/rig/tmux/{name}.yaml"


def package_list(part: str) -> str:
    """Return the name of the package list of a part."""
    return f"packages.{part}.txt"


def env_path(env: str) -> str:
    """Return the directory of a Python environment."""
    return f"{_ROOT}/envs/{env}"


def build_files(env: str, number: int) -> tuple[str, str]:
    """Return the names of the lists of a separate build: its tools, and its source archives."""
    return f"{env}.build-{number}.tools.txt", f"{env}.build-{number}.sources.txt"


def env_python(env: str) -> str:
    """Return the interpreter of a Python environment."""
    return f"{env_path(env)}/bin/python"


def installer_path(installer: str) -> str:
    """Return the directory of a self-extracting installer (``Anaconda3 5.2.0``)."""
    return f"{_ROOT}/{installer.lower().replace(' ', '-')}"


def interpreter_path(kind: str, version: str) -> str:
    """Return the directory of an interpreter that is unpacked (``uv``) or built (``pyenv``)."""
    return f"{_ROOT}/python/{version}-{kind}"


def notebook_path(user: str, suffix: str) -> str:
    """Return a file of a user's notebook server: ``json``, ``crt``, ``key`` or ``password``."""
    return f"/etc/rig/notebook/{user}.{suffix}"


def library_dirs(locked: LockedMachine) -> tuple[str, ...]:
    """Return the library directories of the toolkit and cuDNN; empty without a toolkit."""
    if locked.toolkit is None:
        return ()
    home = locked.toolkit.home
    # cuDNN archives have `lib64` in .tgz files, and `lib` in .tar.xz files.
    has_lib = any(file.part == "cudnn" and file.name.endswith(".tar.xz") for file in locked.files)
    return (f"{home}/lib64", *((f"{home}/lib",) if has_lib else ()))


def access_group(env: str) -> str:
    """Return the group with access to an environment, at most 32 characters long."""
    name = f"rig-env-{env}"
    if len(name) <= _MAX_GROUP_LENGTH:
        return name
    return f"{name[: _MAX_GROUP_LENGTH - 9]}-{hashlib.sha256(env.encode()).hexdigest()[:8]}"


def users_profile_path(rig: str) -> str:
    """Return the profile script with per-user variables, which is read after the rig's."""
    return f"/etc/profile.d/rig-{rig}.users.sh"


def profile_path(rig: str) -> str:
    """Return the profile script with the variables of the rig."""
    return f"/etc/profile.d/rig-{rig}.sh"
