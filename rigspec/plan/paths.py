"""Where things stand on a machine that rigspec built."""

from __future__ import annotations

import hashlib

from rigspec.lock.model import LockedMachine, LockedToolkit

__all__ = [
    "COMPONENTS",
    "GPU_METRICS",
    "INSTALLED",
    "NOTEBOOK_CONFIG",
    "NOTEBOOK_HEALTH",
    "PACKAGES",
    "REPOSITORY",
    "access_group",
    "cuda_home",
    "env_path",
    "env_python",
    "installer_path",
    "library_folders",
    "notebook_path",
    "package_list",
    "profile_path",
    "service_packages",
    "session_path",
    "users_profile_path",
]

_ROOT = "/opt/rig"
# shadow-utils: GROUP_NAME_MAX_LENGTH as Debian and Ubuntu build it.
_LONGEST_GROUP = 32

# The program that holds an environment against its requirements files.
INSTALLED = "installed.py"
# The program that tells where apt has more components of the distribution's archive.
COMPONENTS = "components.sh"
# The program that holds the packages of the system against the lock.
PACKAGES = "packages.sh"
# The program that tells how a machine is to name a package repository.
REPOSITORY = "repository.sh"
# The program that gives a notebook server its settings.
NOTEBOOK_CONFIG = "notebook_config.py"
# The program that asks a notebook server whether it is well.
NOTEBOOK_HEALTH = "notebook_health.py"
# The program that tells a node exporter how the GPUs fare.
GPU_METRICS = "gpu_metrics.sh"


def service_packages(part: str) -> str:
    """The id of the step that installs the packages of services."""
    return "service-packages" if part == "service" else f"{part}-packages"


def session_path(name: str) -> str:
    """The layout of a terminal's session."""
    return f"/etc/rig/tmux/{name}.yaml"


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


def notebook_path(user: str, suffix: str) -> str:
    """A file of a user's notebook server: ``json``, ``crt``, ``key`` or ``password``."""
    return f"/etc/rig/notebook/{user}.{suffix}"


def cuda_home(version: str, toolkit: LockedToolkit | None = None) -> str:
    """The toolkit's own folder: the distribution's, or what NVIDIA's packages and runfiles use."""
    if toolkit is not None:
        return toolkit.home
    major, minor, *_ = version.split(".")
    return f"/usr/local/cuda-{major}.{minor}"


def library_folders(locked: LockedMachine) -> tuple[str, ...]:
    """The folders that the toolkit and cuDNN have their libraries in; none without a toolkit."""
    if locked.resolution.cuda is None:
        return ()
    home = cuda_home(locked.resolution.cuda, locked.toolkit)
    # cuDNN's archives have `lib64` as long as they are .tgz, and `lib` since they are .tar.xz.
    apart = any(file.part == "cudnn" and file.name.endswith(".tar.xz") for file in locked.files)
    return (f"{home}/lib64", *((f"{home}/lib",) if apart else ()))


def access_group(env: str) -> str:
    """The group of those who may use an environment; a group's name has 32 characters at most."""
    name = f"rig-env-{env}"
    if len(name) <= _LONGEST_GROUP:
        return name
    return f"{name[: _LONGEST_GROUP - 9]}-{hashlib.sha256(env.encode()).hexdigest()[:8]}"


def users_profile_path(rig: str) -> str:
    """The file that gives the log-in sessions of each user what is theirs. It is read after the
    rig's own.
    """
    return f"/etc/profile.d/rig-{rig}.users.sh"


def profile_path(rig: str) -> str:
    """The file that gives every log-in session the rig's variables."""
    return f"/etc/profile.d/rig-{rig}.sh"
