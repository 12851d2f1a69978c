"""Drawn environments, installed by the shell step of their rig with this machine's Pythons."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from uv import find_uv_bin

from rigspec.lock.python.engines.pip_tools import find_interpreter
from rigspec.plan.layers.environment_variables import SKELETON
from rigspec.plan.steps import EnvironmentStep, FileStep
from tests.conftest import ROOT
from tests.drawn.build import Built
from tests.execution.interpreters import VIRTUALENV

__all__ = ["Import", "import_frameworks", "install", "list_installable"]

_STEP = ROOT / "rigspec/plan/steps/environment/step.sh"
# Libraries of the driver and the toolkit, which other steps of the rig install.
_CUDA_LIBRARY = re.compile(r"\blib(?:cu|nv)[\w.-]*\.so[\w.]*: cannot open shared object")
# Gigabytes that a machine without a GPU installs for nothing.
_CUDA_WHEEL = "nvidia-"


@dataclass(frozen=True)
class Import:
    """The import of a framework: without ``error`` it succeeded.

    ``lacks_cuda`` is set if the error names a library that another step of the rig installs.
    """

    env: str
    framework: str
    error: str = ""
    lacks_cuda: bool = False


def list_installable(built: Built) -> Iterator[EnvironmentStep]:
    """Yield the environments that need neither packages of conda nor gigabytes of CUDA.

    This machine has an interpreter of their series.
    """
    for step in built.plan.steps if built.plan is not None else ():
        if not isinstance(step, EnvironmentStep) or step.explicit:
            continue
        is_small = not any(package.name.startswith(_CUDA_WHEEL) for package in step.packages)
        if is_small and find_interpreter(_series(built, step)) is not None:
            yield step


def install(built: Built, step: EnvironmentStep, folder: Path) -> str:
    """Install an environment as ``folder/env``; return the messages if that fails.

    ``folder`` is also the home directory, with the settings of a new account.
    """
    assert built.plan is not None
    series = _series(built, step)
    python = find_interpreter(series)
    creator = [str(python), "-m", "venv"]
    if series[0] == 2:
        tool = [find_uv_bin(), "tool", "run", "--quiet", "--from", VIRTUALENV, "virtualenv"]
        creator = [*tool, "--quiet", "--python", str(python)]
    for file in built.plan.steps:
        if isinstance(file, FileStep) and file.path.startswith(f"{SKELETON}/"):
            place = folder / file.path.removeprefix(f"{SKELETON}/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(file.content, encoding="utf-8")
    path = str(folder / "env")
    moved = replace(step, path=path, python=f"{path}/bin/python", bootstrap=None)
    values = {k: v for k, v in moved.list_values(built.plan.steps).items() if v is not None}
    for payload in built.plan.payload:
        (folder / payload.name).write_text(payload.content, encoding="utf-8")
    given = " ".join(f"[{key}]={shlex.quote(str(value))}" for key, value in values.items())
    script = (
        f"LOCK=. ; declare -A arg=({given}); . {_STEP}; create_environment {shlex.join(creator)}"
    )
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return (done.stdout + done.stderr)[-2000:] if done.returncode else ""


def import_frameworks(built: Built, step: EnvironmentStep, folder: Path) -> Iterator[Import]:
    """Install an environment below ``folder``, and import each framework that the spec names."""
    assert built.plan is not None
    failure = install(built, step, folder)
    for framework in built.spec.rig.env[step.name].frameworks:
        if failure:
            yield Import(step.name, framework, failure)
            continue
        done = subprocess.run(
            [folder / "env/bin/python", "-c", f"import {framework}"],
            capture_output=True, text=True, check=False, cwd=folder,
            env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        )  # fmt: skip
        error = done.stderr[-2000:] if done.returncode else ""
        has_cuda = "driver" in {each.layer for each in built.plan.steps}
        lacks_cuda = has_cuda and _CUDA_LIBRARY.search(error) is not None
        yield Import(step.name, framework, error, lacks_cuda)


def _series(built: Built, step: EnvironmentStep) -> tuple[int, int]:
    assert built.plan is not None
    (env,) = (each for each in built.plan.resolution.envs if each.name == step.name)
    major, minor = env.python.split(".")[:2]
    return int(major), int(minor)
