"""The engine that needs no interpreter, compared with pip in a real Python 2.7."""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.version import Version

from rigspec.lock.errors import LockError
from rigspec.lock.python.engines import pip_tools, resolvelib
from rigspec.lock.python.engines.pip_tools import find_interpreter
from rigspec.lock.python.index.package_index import PackageIndex
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.python.requirements_file import HashedPin, read_pins
from rigspec.lock.python.target_interpreter import TargetInterpreter
from rigspec.resolution import Pin

pytestmark = pytest.mark.long(seconds=20)

PYTHON_27 = TargetInterpreter("2.7.18", (2, 36), "x86_64", "20.3.4", "20.21.1")
# The interpreter that runs the tests, which every machine has.
HERE = TargetInterpreter(platform.python_version(), (2, 36), "x86_64", "26.0.1")
TENSORFLOW = ResolveRequest(
    env="tf18",
    requirements=("tensorflow==1.8.0", "keras<2.3"),
    target=PYTHON_27,
    constraints=("protobuf<4", "h5py<3", "numpy<1.17", "setuptools==44.1.1", "wheel==0.37.1"),
)

# What pip-compile takes although it comes as source only, which an install would have to build.
NEWER_AND_SOURCE_ONLY = {"gast", "grpcio"}


def by_name(text: str) -> dict[str, HashedPin]:
    return {pin.name: pin for pin in read_pins(text)}


@pytest.mark.e2e(minutes=1)
def test_resolvelib_differences_from_pip_have_reasons() -> None:
    assert find_interpreter((2, 7)) is not None, "this test needs a Python 2.7 (pyenv install 2.7)"
    without_2_7 = by_name(resolvelib.compile_requirements(TENSORFLOW))
    inside_2_7 = by_name(pip_tools.compile_requirements(TENSORFLOW))

    assert without_2_7.keys() == inside_2_7.keys()
    index = PackageIndex(PYTHON_27, None)
    differing = set()
    for name, ours in without_2_7.items():
        theirs = inside_2_7[name]
        if ours.version == theirs.version:
            # pip-compile lists the files of every platform, rigspec those that fit this one.
            assert ours.sha256 <= theirs.sha256, name
            continue
        differing.add(name)
        assert ours.version < theirs.version, name
        has_wheel = {offer.version: offer.has_wheel for offer in index.offers(name)}
        assert has_wheel[ours.version], name
        assert not has_wheel[theirs.version], name
    assert differing == NEWER_AND_SOURCE_ONLY


def test_pip_tools_keeps_locked_versions_except_of_moving_packages() -> None:
    locked = (Pin("six", "1.15.0"), Pin("idna", "3.0"))
    question = ResolveRequest("lab", ("six", "idna"), HERE, kept=locked, moving=("idna",))
    pins = by_name(pip_tools.compile_requirements(question))
    assert pins["six"].version == Version("1.15.0")
    assert pins["idna"].version > Version("3.0")


def test_pip_tools_without_interpreter_names_it() -> None:
    question = ResolveRequest(
        "lab", ("six",), TargetInterpreter("3.3.7", (2, 36), "x86_64", "18.0")
    )
    with pytest.raises(LockError) as failure:
        pip_tools.compile_requirements(question)
    assert "needs a Python 3.3 on this machine" in failure.value.diagnostic.help[0]


@pytest.mark.e2e(minutes=1)
def test_engine_option_selects_engine(
    tmp_path: Path, rigspec: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text(
        f'rig = 1\nname = "lab"\n[env.lab]\npython = "{sys.version_info.major}.'
        f'{sys.version_info.minor}"\ninterpreter = "pyenv"\n'
        'packages = { six = "*" }\n'
    )
    done = rigspec("lock", spec, "-o", tmp_path / "lock", "--engine", "pip-tools")
    assert done.returncode == 0, done.stderr
    assert 'engine = "pip-tools"' in (tmp_path / "lock" / "rig.lock").read_text()
    assert "http" not in (tmp_path / "lock" / "lab.requirements.txt").read_text()


def test_pip_tools_without_index_reports_the_index() -> None:
    request = ResolveRequest("lab", ("iniconfig",), HERE, index="http://127.0.0.1:9/simple")
    with pytest.raises(LockError) as raised:
        pip_tools.compile_requirements(request)
    assert raised.value.diagnostic.code == "RS504"
    assert "127.0.0.1:9" in raised.value.diagnostic.message
