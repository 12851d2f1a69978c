"""Settings files, and the variables of environments and of a log-in session, as steps."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.lock.model import LockedEnv, LockedMachine, LockedSettings
from rigspec.plan.layers.nvblas import nvblas_files, nvblas_variables
from rigspec.plan.paths import cuda_home, env_path, library_folders, profile_path
from rigspec.plan.steps import Download, EnvironmentVariables, File, Step, Variable, Variables
from rigspec.spec.models.rig import Rig
from rigspec.spec.settings_file import settings_text

__all__ = ["SKELETON", "environment_variables", "file_steps", "session_steps"]

# New accounts start as a copy of this folder.
SKELETON = "/etc/skel"
# What the libraries that NumPy computes with read: GCC 12.1, libgomp, "OMP_NUM_THREADS"; Intel
# oneMKL 2026.0, "specific Environment Variables for OpenMP Threading Control"; OpenBLAS, README,
# "Set the number of threads with environment variables". Read 2026-11-21.
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def file_steps(rig: Rig, locked: LockedMachine) -> Iterator[Step]:
    """The rig's own downloads, and the settings files of its frameworks."""
    for name in sorted(rig.download):
        file = next(f for f in locked.files if f.part == f"download.{name}")
        yield Download(
            id=f"download-{name.replace('_', '-')}",
            title=f"Download {name}",
            part="download",
            file=file,
            to=rig.download[name].to,
        )
    written: set[str] = set()
    for env in locked.envs:
        for settings in env.settings:
            step = _settings(rig, env.name, settings)
            if step.path not in written:
                yield step
            written.add(step.path)
    yield from nvblas_files(rig, locked)


def environment_variables(rig: Rig, locked: LockedMachine) -> Iterator[EnvironmentVariables]:
    """What the programs of each environment are told, for those who have activated it."""
    for env in locked.envs:
        variables = (*_own_variables(rig, env), *nvblas_variables(rig, locked, env))
        if variables:
            yield EnvironmentVariables(
                id=f"variables-{env.name.replace('_', '-')}",
                title=f"Variables of the environment {env.name}",
                part="env",
                needs=(f"env-{env.name.replace('_', '-')}",),
                name=env.name,
                path=env_path(env.name),
                by_conda=bool(env.explicit),
                variables=variables,
            )


def session_steps(rig: Rig, locked: LockedMachine) -> Iterator[Variables]:
    """The variables that every log-in session gets."""
    variables = list(_variables(rig, locked))
    if variables:
        yield Variables(
            id="variables",
            title="Variables of every log-in session",
            part="session",
            path=profile_path(rig.name),
            variables=tuple(variables),
        )


def _settings(rig: Rig, env: str, settings: LockedSettings) -> File:
    name = settings.framework.replace("_", "-")
    new = "" if settings.place else " for new accounts"
    return File(
        id=f"settings-{env.replace('_', '-')}-{name}",
        title=f"Settings of {settings.framework}{new or f' in {env}'}",
        part="settings",
        path=_place(env, settings),
        content=settings_text(settings.format, rig.env[env].config[settings.framework]),
    )


def _place(env: str, settings: LockedSettings) -> str:
    folder = env_path(env) if settings.place == "environment" else SKELETON
    return f"{folder}/{settings.path}"


def _own_variables(rig: Rig, env: LockedEnv) -> Iterator[Variable]:
    for settings in env.settings:
        if settings.variable is not None:
            file = _place(env.name, settings)
            value = (settings.value or "{file}").replace("{file}", file)
            value = value.replace("{folder}", file.rpartition("/")[0])
            yield Variable(settings.variable, (value,), prepend=False)
    threads = rig.env[env.name].threads
    if threads is not None:
        for name in _THREADS:
            yield Variable(name, (str(threads),), prepend=False)


def _variables(rig: Rig, locked: LockedMachine) -> Iterator[Variable]:
    """The toolkit's, and then the rig's own: what the rig says of a name goes before or instead."""
    wanted = {variable.name: variable for variable in _toolkit(locked)}
    if rig.system is not None:
        for name, value in sorted(rig.system.env.items()):
            if isinstance(value, str):
                wanted[name] = Variable(name, (value,), prepend=False)
                continue
            known = wanted.get(name)
            more = known.values if known is not None and known.prepend else ()
            wanted[name] = Variable(name, tuple(dict.fromkeys((*value.prepend, *more))), True)
    yield from wanted.values()


def _toolkit(locked: LockedMachine) -> Iterator[Variable]:
    """What finds a toolkit in a folder of its own (read 2026-11-21).

    PATH and LD_LIBRARY_PATH are the installation guide's post-installation actions
    <https://docs.nvidia.com/cuda/cuda-installation-guide-linux/>. CPATH and LIBRARY_PATH let a
    compiler find it: Theano asks for the three <https://docs.huihoo.com/theano/0.9/library/gpuarray/dnn.html>.
    CUDA_HOME is what PyTorch's extensions look at first
    <https://pytorch.org/docs/1.7.0/_modules/torch/utils/cpp_extension.html>, CUDA_PATH what CuPy
    does <https://docs.chainer.org/en/v1.24.0/cupy-reference/environment.html>; where both are set
    they must agree. Not MANPATH: set, it hides the system's own manuals.
    """
    if locked.resolution.cuda is None:
        return
    home = cuda_home(locked.resolution.cuda, locked.toolkit)
    yield Variable("PATH", (f"{home}/bin",), prepend=True)
    yield Variable("LD_LIBRARY_PATH", library_folders(locked), prepend=True)
    yield Variable("LIBRARY_PATH", library_folders(locked), prepend=True)
    yield Variable("CPATH", (f"{home}/include",), prepend=True)
    yield Variable("CUDA_HOME", (home,), prepend=False)
    yield Variable("CUDA_PATH", (home,), prepend=False)
    if locked.toolkit is not None and locked.toolkit.compiler is not None:
        flags = f"-ccbin {locked.toolkit.compiler}"
        yield Variable("NVCC_PREPEND_FLAGS", (flags,), prepend=False)
