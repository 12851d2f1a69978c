"""Kernels of environments: notebooks of one server run in several environments."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from rigspec.lock.model import LockedMachine
from rigspec.plan.paths import env_python
from rigspec.plan.services.units import list_variables
from rigspec.plan.settings import RigSettings
from rigspec.plan.steps import EnvironmentVariablesStep, FileStep, Variable

__all__ = ["build_kernel_steps"]

# Every Jupyter of the machine lists the kernels of this folder:
# https://docs.jupyter.org/en/latest/use/jupyter-directories.html
_FOLDER = "/usr/local/share/jupyter/kernels"
_PACKAGE = "ipykernel"


def build_kernel_steps(
    rig: RigSettings,
    locked: LockedMachine,
    shared: Sequence[Variable],
    environments: Sequence[EnvironmentVariablesStep],
    layer: str,
) -> Iterator[FileStep]:
    """Yield a kernel for each environment that notebooks can choose.

    ``shared`` are the variables of login sessions, ``environments`` those of each environment.
    """
    if rig.service.jupyter is None or locked.notebook is None:
        return
    own: Mapping[str, tuple[Variable, ...]] = {step.name: step.variables for step in environments}
    served = own.get(locked.notebook.env, ())
    series = {env.name: env.python for env in locked.resolution.envs}
    for env in locked.envs:
        # A lock that is out of date may lack the package.
        if env.name not in rig.service.jupyter.kernels or not env.has_package(_PACKAGE):
            continue
        variables = dict(list_variables(env.name, (*shared, *own.get(env.name, ())), None))
        yield FileStep(
            id=f"kernel-{env.name.replace('_', '-')}",
            title=f"Notebook kernel: {env.name}",
            layer=layer,
            path=f"{_FOLDER}/{env.name}/kernel.json",
            content=_format_kernel(env.name, series[env.name], variables, served),
        )


def _format_kernel(
    env: str, python: str, variables: Mapping[str, str], served: Sequence[Variable]
) -> str:
    """Return the kernel specification of an environment.

    A kernel inherits the variables of the server, and so those of the server's environment
    (``served``): libraries of another CUDA, for example.
    """
    inherited = sorted({each.name for each in served} - variables.keys())
    removed = [word for name in inherited for word in ("-u", name)]
    start = [env_python(env), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    content = {
        "argv": ["/usr/bin/env", *removed, *start] if removed else start,
        "display_name": f"{env} (Python {'.'.join(python.split('.')[:2])})",
        "env": dict(variables),
        "language": "python",
    }
    return json.dumps(content, indent=1, sort_keys=True) + "\n"
