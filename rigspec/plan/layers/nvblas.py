"""NVBLAS for the programs of an environment: its configuration, and how they come by it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rigspec.lint.blas import fallback, nvblas_library
from rigspec.lock.model import LockedEnv, LockedMachine
from rigspec.plan.paths import env_path
from rigspec.plan.steps import Check, File, Variable
from rigspec.spec.models.rig import Rig

__all__ = ["nvblas_checks", "nvblas_files", "nvblas_variables"]

_PIN = re.compile(r"(?m)^([A-Za-z0-9._-]+)==([^\s;\\]+)")

_CONFIGURATION = """\
# Written by rigspec.
NVBLAS_CPU_BLAS_LIB {library}
NVBLAS_GPU_LIST ALL
"""


def nvblas_files(rig: Rig, locked: LockedMachine) -> Iterator[File]:
    """One configuration an environment: NVIDIA, NVBLAS, "Configuration keywords", read 2026-11-21.

    It uses every GPU that a program sees: CUDA_VISIBLE_DEVICES divides them as elsewhere.
    """
    for env in locked.envs:
        library = _fallback(rig, locked, env)
        if library is not None:
            yield File(
                id=f"nvblas-{env.name.replace('_', '-')}",
                title=f"NVBLAS in {env.name}",
                part="settings",
                path=_path(env),
                content=_CONFIGURATION.format(library=library),
            )


def nvblas_variables(rig: Rig, locked: LockedMachine, env: LockedEnv) -> Iterator[Variable]:
    """Loaded before the environment's own BLAS, and for its programs only.

    By its name: where it stands, LD_LIBRARY_PATH and the linker's cache know.
    """
    cuda = locked.resolution.cuda
    if _fallback(rig, locked, env) is not None and cuda is not None:
        yield Variable("NVBLAS_CONFIG_FILE", (_path(env),), prepend=False)
        yield Variable("LD_PRELOAD", (nvblas_library(cuda),), prepend=True)


def nvblas_checks(rig: Rig, locked: LockedMachine) -> Iterator[Check]:
    """Whether what NVBLAS falls back to is there."""
    for env in locked.envs:
        library = _fallback(rig, locked, env)
        if library is not None:
            command = ("find", library, "-maxdepth", "0")
            yield Check(f"what NVBLAS falls back to in {env.name}", command, library, part="env")


def _path(env: LockedEnv) -> str:
    return f"{env_path(env.name)}/etc/nvblas.conf"


def _fallback(rig: Rig, locked: LockedMachine, env: LockedEnv) -> str | None:
    if rig.cuda is None or not rig.cuda.nvblas or locked.resolution.cuda is None:
        return None
    pins = {name.lower(): version for name, version in _PIN.findall(env.requirements)}
    system = rig.system.packages if rig.system is not None else ()
    library = fallback(locked.resolution.os, pins, system)
    if library is None or library.startswith("/"):
        return library
    return f"{env_path(env.name)}/{library}"
