"""Libraries and programs of the system that wheels need and cannot declare."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.lock.model import LockedEnv, LockedInterpreter, LockedMachine, LockedPythonPackage
from rigspec.lock.system_dependencies import find_unmet_dependencies, list_dependency_packages
from rigspec.matrix.loader import load_matrix
from rigspec.plan.layers.python import build_environment_steps
from rigspec.plan.settings import read_settings
from rigspec.plan.steps import AptPackagesStep
from rigspec.resolution import Resolution
from rigspec.spec.loader import parse_spec
from tests.resolve.rigs import check

RIG = read_settings(parse_spec("rig.toml", 'rig = 1\nname = "box"\n').rig)


def resolve(folder: Path, os: str) -> Resolution:
    text = f'[machine.box]\nos = "{os}"\nglibc = "2.35"\n' if os.startswith("fedora") else ""
    report = check(folder, text or f'[machine.box]\nos = "{os}"\n')
    assert report.resolution is not None
    return report.resolution


def environment(*pins: str, interpreter: str = "system") -> LockedEnv:
    packages = tuple(LockedPythonPackage(*pin.split("=="), ("0" * 64,)) for pin in pins)
    return LockedEnv("lab", "uv", packages, (), LockedInterpreter(interpreter, ("python3",)))


@pytest.mark.parametrize(
    ("os", "env", "packages"),
    [
        ("ubuntu 24.04", environment("vllm==0.33.0"), ["g++", "python3-dev"]),
        # A standalone build and one from source have the headers of Python.
        ("ubuntu 24.04", environment("vllm==0.33.0", interpreter="uv"), ["g++"]),
        ("debian 12", environment("opencv-python==5.0.0.93"), ["libgl1", "libglib2.0-0"]),
        ("debian 13", environment("opencv-python==4.13.0.90"), ["libgl1", "libglib2.0-0t64"]),
        ("debian 13", environment("opencv-python==4.2.0.34"), []),
        ("debian 13", environment("opencv-python-headless==5.0.0.93"), []),
        ("debian 13", environment("lightgbm==4.7.0", "torch==2.14.0"), ["libgomp1"]),
        ("ubuntu 22.04", environment("mxnet-cu112==1.9.1"), ["libgomp1", "libquadmath0"]),
        ("rocky 9", environment("opencv-python==5.0.0.93"), ["glib2", "libglvnd-glx"]),
        ("rocky 10", environment("mxnet-cu112==1.9.1"), ["libgomp", "libquadmath"]),
    ],
)
def test_environment_gets_the_system_packages_that_its_wheels_need(
    os: str, env: LockedEnv, packages: list[str], tmp_path: Path
) -> None:
    found = list_dependency_packages(resolve(tmp_path, os), load_matrix(), [env])
    assert [package.name for package in found] == packages


def test_system_without_known_packages_is_reported(tmp_path: Path) -> None:
    resolution, matrix = resolve(tmp_path, "rhel 8"), load_matrix()
    env = environment("vllm==0.33.0")
    assert list(list_dependency_packages(resolution, matrix, [env])) == []
    first, second = find_unmet_dependencies(resolution, matrix, [env])
    assert (first.what, second.what) == ("compilers", "python headers")
    assert first.reason.endswith(": install it on rhel 8 by hand")


def test_plan_installs_what_wheels_need_before_the_environment(tmp_path: Path) -> None:
    resolution = resolve(tmp_path, "debian 13")
    env = environment("lightgbm==4.7.0", interpreter="system")
    locked = LockedMachine(
        resolution=check(
            tmp_path, '[machine.box]\nos = "debian 13"\n[env.lab]\npackages = { lightgbm = "*" }\n'
        ).resolution
        or resolution,
        packages=tuple(list_dependency_packages(resolution, load_matrix(), [env])),
        envs=(env,),
    )
    step, *others = build_environment_steps(RIG, locked)
    assert isinstance(step, AptPackagesStep)
    assert [package.name for package in step.packages] == ["libgomp1"]
    assert [other.kind for other in others] == ["environment"]
