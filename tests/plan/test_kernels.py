"""Notebook kernels of further environments: locked, written, and started by a Jupyter client."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from uv import find_uv_bin

from rigspec.lock.lockfile import read_lock
from rigspec.lock.model import LockedMachine
from rigspec.lock.services import find_service_differences
from rigspec.plan.build import build_plan
from rigspec.plan.steps import FileStep
from rigspec.spec.loader import InvalidSpec, LoadedSpec, load_spec, parse_spec
from rigspec.spec.machine_limits import limit_to_machine

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

SERIES = "{}.{}".format(*sys.version_info[:2])
SPEC = f"""\
rig = 1
name = "box"
[env.lab]
python = "{SERIES}"
interpreter = "pyenv"
packages = {{ jupyterlab = "*" }}
threads = 3
[env.vision]
python = "{SERIES}"
interpreter = "pyenv"
packages = {{ six = "*" }}
[env.other]
python = "{SERIES}"
interpreter = "pyenv"
packages = {{ six = "*" }}
[service.jupyter]
env = "lab"
kernels = ["vision"]
password = {{ secret = "JUPYTER_PASSWORD_HASH" }}
"""
# A client of Jupyter that runs one cell in the kernel `vision` and prints the result.
CLIENT = """
from jupyter_client.manager import start_new_kernel
manager, client = start_new_kernel(kernel_name="vision", startup_timeout=60)
cell = "import os, sys, json; print(json.dumps([sys.prefix, dict(os.environ)]))"
def show(message):
    if message["msg_type"] == "stream":
        print(message["content"]["text"])
client.execute_interactive(cell, timeout=60, output_hook=show)
client.stop_channels()
manager.shutdown_kernel(now=True)
"""


def find_kernels(spec: LoadedSpec, lock: Path) -> dict[str, FileStep]:
    plan = build_plan(spec.rig, read_lock(lock)[0], None, "0" * 64)
    steps = [step for step in plan.steps if isinstance(step, FileStep)]
    return {step.path: step for step in steps if step.path.endswith("/kernel.json")}


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedSpec, Path]:
    folder = tmp_path_factory.mktemp("kernels")
    (folder / "rig.toml").write_text(SPEC, encoding="utf-8")
    command = [sys.executable, "-m", "rigspec", "lock", str(folder / "rig.toml")]
    subprocess.run([*command, "-o", str(folder / "lock")], check=True, capture_output=True)
    return load_spec(str(folder / "rig.toml")), folder / "lock"


def machine_of(lock: Path) -> LockedMachine:
    return read_lock(lock)[0].machines[0]


def test_lock_adds_the_kernel_to_the_environments_that_notebooks_choose(
    locked: tuple[LoadedSpec, Path],
) -> None:
    _, lock = locked
    envs = {env.name: env for env in machine_of(lock).envs}
    assert envs["vision"].has_package("ipykernel")
    assert not envs["vision"].has_package("jupyterlab")
    assert not envs["other"].has_package("ipykernel")


def test_plan_has_one_kernel_for_each_environment_that_is_named(
    locked: tuple[LoadedSpec, Path],
) -> None:
    kernels = find_kernels(*locked)
    assert list(kernels) == ["/usr/local/share/jupyter/kernels/vision/kernel.json"]
    (step,) = kernels.values()
    content = json.loads(step.content)
    assert content["display_name"] == f"vision (Python {SERIES})"
    assert content["env"]["PATH"].startswith("/opt/rig/envs/vision/bin:")


def test_kernel_started_by_a_client_runs_in_its_environment_without_variables_of_the_server(
    locked: tuple[LoadedSpec, Path], tmp_path: Path
) -> None:
    """The environments are made in a temporary folder: the paths in the kernel are moved there."""
    envs = tmp_path / "envs"
    for name in ("lab", "vision"):
        place = str(envs / name)
        subprocess.run([find_uv_bin(), "venv", "--quiet", "--python", sys.executable, place])
        install = [find_uv_bin(), "pip", "install", "--quiet", "--python", place, "ipykernel"]
        subprocess.run(install, check=True)
    (step,) = find_kernels(*locked).values()
    kernel = tmp_path / "share" / "jupyter" / "kernels" / "vision" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    text = step.content.replace("/opt/rig/envs", str(envs))
    kernel.write_text(text, encoding="utf-8")

    # `threads` of the environment of the server sets this one.
    server = {**os.environ, "JUPYTER_PATH": str(tmp_path / "share" / "jupyter")}
    server |= {"OMP_NUM_THREADS": "3", "CUDA_VISIBLE_DEVICES": "1"}
    done = subprocess.run(
        [envs / "lab" / "bin" / "python", "-c", CLIENT],
        env=server,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    prefix, variables = json.loads(done.stdout)
    assert prefix == str(envs / "vision")
    assert variables["PATH"].split(":")[0] == str(envs / "vision" / "bin")
    assert "OMP_NUM_THREADS" not in variables
    # The GPUs of a user are those of the server.
    assert variables["CUDA_VISIBLE_DEVICES"] == "1"


def test_lock_without_the_kernel_of_an_environment_is_out_of_date(
    locked: tuple[LoadedSpec, Path],
) -> None:
    spec, lock = locked
    machine = machine_of(lock)
    assert list(find_service_differences(spec.rig, machine)) == []
    jupyter = spec.rig.service.jupyter
    assert jupyter is not None
    more = jupyter.model_copy(update={"kernels": ("vision", "other")})
    service = spec.rig.service.model_copy(update={"jupyter": more})
    rig = spec.rig.model_copy(update={"service": service})
    assert list(find_service_differences(rig, machine)) == ["`other` has no ipykernel in the lock"]
    # The plan of such a lock has no kernel that cannot start.
    assert len(find_kernels(replace(spec, rig=rig), lock)) == 1


def test_kernels_of_a_machine_are_those_of_its_environments() -> None:
    text = SPEC.replace(
        "[env.vision]", '[machine.one]\n[machine.two]\n[env.vision]\nmachines = ["one"]'
    )
    rig = parse_spec("rig.toml", text).rig
    kernels = {}
    for name in rig.machine:
        jupyter = limit_to_machine(rig, name).service.jupyter
        kernels[name] = jupyter.kernels if jupyter is not None else None
    assert kernels == {"one": ("vision",), "two": ()}


@pytest.mark.parametrize(
    ("kernels", "code", "words"),
    [
        ('"lab"', "RS003", "notebooks can choose the environment `lab` already"),
        ('"vision", "vision"', "RS003", "notebooks can choose the environment `vision` already"),
        ('"visoin"', "RS008", "no environment `visoin`"),
    ],
)
def test_kernel_that_is_no_further_environment_is_refused(
    kernels: str, code: str, words: str
) -> None:
    with pytest.raises(InvalidSpec) as caught:
        parse_spec("rig.toml", SPEC.replace('"vision"]', f"{kernels}]"))
    (error,) = caught.value.diagnostics
    assert error.code == code
    assert words in error.message
