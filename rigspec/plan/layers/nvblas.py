"""Steps, variables and checks that enable NVBLAS in an environment."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.lint.blas import find_fallback, find_nvblas_library
from rigspec.lock.model import LockedEnv, LockedMachine
from rigspec.plan.paths import env_path
from rigspec.plan.settings import RigSettings
from rigspec.plan.steps import Check, FileStep, Variable

__all__ = ["build_nvblas_checks", "build_nvblas_files", "list_nvblas_variables"]

_CONFIGURATION = """\
# Written by rigspec.
NVBLAS_CPU_BLAS_LIB {library}
NVBLAS_GPU_LIST ALL
"""


def build_nvblas_files(rig: RigSettings, locked: LockedMachine) -> Iterator[FileStep]:
    """Yield the NVBLAS configuration of each environment.

    Keywords: NVIDIA, NVBLAS, "Configuration keywords", read 2026-11-21. NVBLAS uses every visible
    GPU, so CUDA_VISIBLE_DEVICES applies.
    """
    for env in locked.envs:
        library = _fallback_library(rig, locked, env)
        if library is not None:
            yield FileStep(
                id=f"nvblas-{env.name.replace('_', '-')}",
                title=f"NVBLAS configuration in {env.name}",
                layer="settings",
                path=_config_path(env),
                content=_CONFIGURATION.format(library=library),
            )


def list_nvblas_variables(
    rig: RigSettings, locked: LockedMachine, env: LockedEnv
) -> Iterator[Variable]:
    """Yield the variables that load NVBLAS before the BLAS library of the environment.

    LD_PRELOAD has the name only: LD_LIBRARY_PATH and the linker cache provide the directory.
    """
    cuda = locked.resolution.cuda
    if _fallback_library(rig, locked, env) is not None and cuda is not None:
        yield Variable("NVBLAS_CONFIG_FILE", (_config_path(env),), prepend=False)
        yield Variable("LD_PRELOAD", (find_nvblas_library(cuda),), prepend=True)


def build_nvblas_checks(rig: RigSettings, locked: LockedMachine) -> Iterator[Check]:
    """Yield a check for the presence of the CPU library that NVBLAS falls back to."""
    for env in locked.envs:
        library = _fallback_library(rig, locked, env)
        if library is not None:
            command = ("find", library, "-maxdepth", "0")
            yield Check(f"NVBLAS fallback library in {env.name}", command, library, layer="env")


def _config_path(env: LockedEnv) -> str:
    return f"{env_path(env.name)}/etc/nvblas.conf"


def _fallback_library(rig: RigSettings, locked: LockedMachine, env: LockedEnv) -> str | None:
    if not rig.nvblas or locked.resolution.cuda is None:
        return None
    versions = {package.name: package.version for package in env.packages}
    library = find_fallback(locked.resolution.os, versions, rig.packages)
    if library is None or library.startswith("/"):
        return library
    return f"{env_path(env.name)}/{library}"
