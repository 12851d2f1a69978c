"""How each kind of interpreter comes to the machine, from the lock to the steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.lock.artifacts import find_unpinned_items, list_downloads
from rigspec.lock.model import LockedEnv, LockedMachine, LockedPackage
from rigspec.lock.python.interpreter import list_bootstrap_tools, lock_interpreter
from rigspec.matrix.loader import load_matrix
from rigspec.plan.layers.python import build_environment_steps
from rigspec.plan.settings import read_settings
from rigspec.plan.steps import ArchiveStep, EnvironmentStep, InstallerStep, SourceBuildStep, Step
from rigspec.spec.loader import load_spec, parse_spec
from tests.resolve.rigs import check, errors

RIG = read_settings(parse_spec("rig.toml", 'rig = 1\nname = "box"\n').rig)


def planned(folder: Path, os: str, interpreter: str, python: str) -> tuple[LockedMachine, Step]:
    """The machine of a rig with one environment, and the step of its interpreter."""
    text = f'''
[machine.box]
os = "{os}"
[env.lab]
interpreter = "{interpreter}"
python = "{python}"
'''
    report = check(folder, text)
    assert errors(report) == []
    assert report.resolution is not None
    rig, matrix = load_spec(str(folder / "rig.toml")).rig, load_matrix()
    (env,) = report.resolution.envs
    interpreter_of = lock_interpreter(rig.env["lab"], report.resolution, env, matrix)
    locked = LockedMachine(
        resolution=report.resolution,
        files=tuple(list_downloads(rig, report.resolution, matrix)),
        packages=tuple(LockedPackage(name, "interpreter") for name in interpreter_of.packages),
        envs=(LockedEnv("lab", "uv", (), (), interpreter_of),),
        unpinned=tuple(find_unpinned_items(rig, report.resolution, matrix)),
    )
    *_, step, _ = build_environment_steps(RIG, locked)
    return locked, step


def environment(locked: LockedMachine) -> EnvironmentStep:
    *_, step = build_environment_steps(RIG, locked)
    assert isinstance(step, EnvironmentStep)
    return step


@pytest.mark.parametrize("os", ["ubuntu 22.04", "ubuntu 26.04", "debian 13", "rocky 9"])
@pytest.mark.parametrize("python", ["3.8", "3.9", "3.12", "3.14"])
def test_uv_interpreter_is_unpacked_from_a_pinned_archive(
    os: str, python: str, tmp_path: Path
) -> None:
    locked, step = planned(tmp_path, os, "uv", python)
    assert isinstance(step, ArchiveStep)
    assert step.file.name.startswith(f"cpython-{python}.")
    assert len(step.file.sha256) == 64
    assert step.exclusive
    assert step.creates == f"{step.to}/bin/python{python}"
    created = environment(locked)
    assert created.create_command == (step.creates, "-m", "venv")
    assert (created.needs, created.bootstrap) == ((step.id,), None)
    assert locked.unpinned == ()


@pytest.mark.parametrize("os", ["ubuntu 16.04", "ubuntu 24.04", "debian 12"])
@pytest.mark.parametrize("python", ["2.7", "3.6", "3.9", "3.14"])
def test_pyenv_interpreter_is_built_from_a_pinned_source_with_its_packages(
    os: str, python: str, tmp_path: Path
) -> None:
    locked, step = planned(tmp_path, os, "pyenv", python)
    assert isinstance(step, SourceBuildStep)
    assert step.file.name.startswith(f"Python-{python}.")
    assert f"--prefix={step.prefix}" in step.configure
    assert ("--enable-unicode=ucs4" in step.configure) is (python == "2.7")
    # GCC 11 and newer vectorize the ctypes of 3.6 for an alignment that its memory lacks.
    assert ("-fno-tree-slp-vectorize" in step.c_flags) is (python == "3.6")
    # glibc 2.41 has a function of that name, and only the older Python was not mended.
    assert (step.rename is not None) is (python == "3.6")
    assert step.needs == ("interpreters",)
    names = {package.name for package in locked.packages}
    assert {"build-essential", "libssl-dev", "zlib1g-dev"} <= names


def test_environment_of_python_2_is_created_by_a_pinned_virtualenv(tmp_path: Path) -> None:
    locked, step = planned(tmp_path, "debian 12", "pyenv", "2.7")
    assert isinstance(step, SourceBuildStep)
    created = environment(locked)
    assert created.create_command == (step.creates, "-m", "virtualenv")
    # The pinned tools have virtualenv; they are installed into the interpreter first.
    assert created.bootstrap == step.creates
    spec = load_spec(str(tmp_path / "rig.toml")).rig.env["lab"]
    (env,) = locked.resolution.envs
    assert list(list_bootstrap_tools(spec, env)) == ["virtualenv<20"]


def test_environment_of_anaconda_2_is_created_by_a_pinned_virtualenv(tmp_path: Path) -> None:
    locked, step = planned(tmp_path, "ubuntu 16.04", "conda", "2.7")
    assert isinstance(step, InstallerStep)
    created = environment(locked)
    assert created.create_command == (f"{step.prefix}/bin/python", "-m", "virtualenv")
    assert created.bootstrap == f"{step.prefix}/bin/python"


@pytest.mark.parametrize(
    ("interpreter", "python"), [("uv", "3.7"), ("uv", "3.13.5"), ("pyenv", "3.9.2")]
)
def test_interpreter_without_known_archive_is_a_conflict(
    interpreter: str, python: str, tmp_path: Path
) -> None:
    text = f'''
[machine.box]
os = "debian 12"
[env.lab]
interpreter = "{interpreter}"
python = "{python}"
'''
    assert errors(check(tmp_path, text)) == ["RS207"]
