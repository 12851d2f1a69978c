"""Steps for downloads, configuration files, and variables of environments and login sessions."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.lock.model import LockedEnv, LockedMachine, LockedSettings
from rigspec.plan.layers.nvblas import build_nvblas_files, list_nvblas_variables
from rigspec.plan.paths import env_path, library_dirs, profile_path
from rigspec.plan.settings import RigSettings
from rigspec.plan.steps import (
    DownloadStep,
    EnvironmentVariablesStep,
    FileStep,
    Step,
    Variable,
    VariablesStep,
)
from rigspec.spec.settings_file import render_settings

__all__ = ["SKELETON", "build_file_steps", "build_session_steps", "list_environment_variables"]

# The home directories of new accounts are copies of this directory.
SKELETON = "/etc/skel"
# The variables that NumPy's libraries read: GCC 12.1, libgomp, "OMP_NUM_THREADS"; Intel
# oneMKL 2026.0, "specific Environment Variables for OpenMP Threading Control"; OpenBLAS, README,
# "Set the number of threads with environment variables". Read 2026-11-21.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def build_file_steps(rig: RigSettings, locked: LockedMachine) -> Iterator[Step]:
    """Yield the downloads of the spec, and the configuration files of frameworks."""
    for name in sorted(rig.downloads):
        file = next(f for f in locked.files if f.part == f"download.{name}")
        yield DownloadStep(
            id=f"download-{name.replace('_', '-')}",
            title=f"Download: {name}",
            layer="download",
            file=file,
            to=rig.downloads[name],
        )
    written: set[str] = set()
    for env in locked.envs:
        for settings in env.settings:
            step = _settings_file(rig, env.name, settings)
            if step.path not in written:
                yield step
            written.add(step.path)
    yield from build_nvblas_files(rig, locked)


def list_environment_variables(
    rig: RigSettings, locked: LockedMachine
) -> Iterator[EnvironmentVariablesStep]:
    """Yield the variables that activating each environment sets."""
    for env in locked.envs:
        variables = (*_env_variables(rig, env), *list_nvblas_variables(rig, locked, env))
        if variables:
            yield EnvironmentVariablesStep(
                id=f"variables-{env.name.replace('_', '-')}",
                title=f"Variables of environment {env.name}",
                layer="env",
                needs=(f"env-{env.name.replace('_', '-')}",),
                name=env.name,
                path=env_path(env.name),
                by_conda=env.conda is not None,
                variables=variables,
            )


def build_session_steps(rig: RigSettings, locked: LockedMachine) -> Iterator[VariablesStep]:
    """Yield the variables of login sessions, if there are any."""
    variables = list(_session_variables(rig, locked))
    if variables:
        yield VariablesStep(
            id="variables",
            title="Variables of login sessions",
            layer="session",
            path=profile_path(rig.name),
            variables=tuple(variables),
        )


def _settings_file(rig: RigSettings, env: str, settings: LockedSettings) -> FileStep:
    name = settings.framework.replace("_", "-")
    scope = f" in {env}" if settings.place else " for new accounts"
    return FileStep(
        id=f"settings-{env.replace('_', '-')}-{name}",
        title=f"Settings of {settings.framework}{scope}",
        layer="settings",
        path=_settings_path(env, settings),
        content=render_settings(settings.format, rig.environments[env].config[settings.framework]),
    )


def _settings_path(env: str, settings: LockedSettings) -> str:
    folder = env_path(env) if settings.place == "environment" else SKELETON
    return f"{folder}/{settings.path}"


def _env_variables(rig: RigSettings, env: LockedEnv) -> Iterator[Variable]:
    for settings in env.settings:
        if settings.variable is not None:
            file = _settings_path(env.name, settings)
            value = (settings.value or "{file}").replace("{file}", file)
            value = value.replace("{folder}", file.rpartition("/")[0])
            yield Variable(settings.variable, (value,), prepend=False)
    threads = rig.environments[env.name].threads
    if threads is not None:
        for name in _THREADS:
            yield Variable(name, (str(threads),), prepend=False)


def _session_variables(rig: RigSettings, locked: LockedMachine) -> Iterator[Variable]:
    """Yield the variables of the toolkit, extended or replaced by those of the spec."""
    variables = {variable.name: variable for variable in _toolkit_variables(locked)}
    for name, value in sorted(rig.variables.items()):
        if isinstance(value, str):
            variables[name] = Variable(name, (value,), prepend=False)
            continue
        toolkit = variables.get(name)
        more = toolkit.values if toolkit is not None and toolkit.prepend else ()
        variables[name] = Variable(name, tuple(dict.fromkeys((*value.prepend, *more))), True)
    yield from variables.values()


def _toolkit_variables(locked: LockedMachine) -> Iterator[Variable]:
    """Yield the variables that make the toolkit available (read 2026-11-21).

    PATH and LD_LIBRARY_PATH are the installation guide's post-installation actions
    <https://docs.nvidia.com/cuda/cuda-installation-guide-linux/>. CPATH and LIBRARY_PATH let a
    compiler find it: Theano reads all three <https://docs.huihoo.com/theano/0.9/library/gpuarray/dnn.html>.
    CUDA_HOME is read first by PyTorch's extensions
    <https://pytorch.org/docs/1.7.0/_modules/torch/utils/cpp_extension.html>, CUDA_PATH by
    CuPy <https://docs.chainer.org/en/v1.24.0/cupy-reference/environment.html>; they
    must be equal. MANPATH is not set, because it would hide the manual pages of the system.
    """
    if locked.toolkit is None:
        return
    home = locked.toolkit.home
    yield Variable("PATH", (f"{home}/bin",), prepend=True)
    yield Variable("LD_LIBRARY_PATH", library_dirs(locked), prepend=True)
    yield Variable("LIBRARY_PATH", library_dirs(locked), prepend=True)
    yield Variable("CPATH", (f"{home}/include",), prepend=True)
    yield Variable("CUDA_HOME", (home,), prepend=False)
    yield Variable("CUDA_PATH", (home,), prepend=False)
    if locked.toolkit.compiler is not None:
        flags = f"-ccbin {locked.toolkit.compiler}"
        yield Variable("NVCC_PREPEND_FLAGS", (flags,), prepend=False)
