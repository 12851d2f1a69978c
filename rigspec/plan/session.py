"""Settings files, accounts and the variables of a log-in session as steps."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rigspec.lock.model import LockedMachine, LockedSettings
from rigspec.plan.layout import cuda_home, library_folders, profile_path
from rigspec.plan.notebook import notebook_account
from rigspec.plan.steps import Download, File, Step, User, Variable, Variables
from rigspec.spec.model import Rig

__all__ = ["file_steps", "session_steps", "user_steps"]

# New accounts start as a copy of this folder.
_SKELETON = "/etc/skel"


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
    for env in locked.envs:
        for settings in env.settings:
            yield from _settings(rig, env.name, settings)


def user_steps(rig: Rig) -> Iterator[Step]:
    """One account a user. Settings files come first, so that new homes are made with them."""
    for name in sorted(rig.user):
        user = rig.user[name]
        yield User(
            id=f"user-{name.replace('_', '-')}",
            title=f"Account {name}",
            part="user",
            name=name,
            ssh_keys=tuple(user.ssh_keys),
        )
    yield from notebook_account(rig)


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


def _settings(rig: Rig, env: str, settings: LockedSettings) -> Iterator[File]:
    values = rig.env[env].config[settings.framework]
    name = settings.framework.replace("_", "-")
    yield File(
        id=f"settings-{env.replace('_', '-')}-{name}",
        title=f"Settings of {settings.framework} for new accounts",
        part="settings",
        path=f"{_SKELETON}/{settings.path}",
        content=json.dumps(values, indent=4, sort_keys=True) + "\n",
    )


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
