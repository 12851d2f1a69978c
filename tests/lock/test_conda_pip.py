"""Packages of pip in a conda environment, locked with the packages of conda."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.lock.python.requirements_file import read_pins
from tests.lock.conda_channel import Channel, rig

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
FRAMEWORK = 'frameworks = { tensorflow = "1.8" }'


@pytest.fixture
def channel(tmp_path: Path) -> Channel:
    found = Channel(tmp_path / "channel")
    found.add_python()
    found.add("numpy", "1.9.3", ["python"])
    found.add("numpy", "1.14.3", ["python"])
    return found


def test_conda_pip_installs_missing_packages_by_hash(
    channel: Channel, tmp_path: Path, rigspec: Rigspec
) -> None:
    channel.add("six", "1.11.0", ["python"])
    spec = tmp_path / "rig.toml"
    text = rig(channel.url, packages='numpy = "*"\nsix = "*"', more=FRAMEWORK)
    spec.write_text(text, encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    listed = (tmp_path / "lock/tower/lab.requirements.txt").read_text(encoding="utf-8")
    found = {pin.name: pin for pin in read_pins(listed)}
    assert str(found["tensorflow"].version) == "1.8.0"
    assert "protobuf" in found
    assert all(pin.sha256 for pin in found.values())
    # Conda provides these, see the explicit list.
    assert not {"numpy", "six", "pip", "setuptools", "wheel"} & found.keys()
    tools = read_pins((tmp_path / "lock/tower/lab.tools.txt").read_text(encoding="utf-8"))
    assert {pin.name for pin in tools} == {"setuptools", "wheel"}  # no conda package requires them


def test_conda_pip_version_is_replaced_by_locked_one(tmp_path: Path, rigspec: Rigspec) -> None:
    channel = Channel(tmp_path / "channel")
    channel.add("python", "3.6.15")
    channel.add("pip", "10.0.1", ["python"])
    spec = tmp_path / "rig.toml"
    spec.write_text(rig(channel.url), encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    tools = (tmp_path / "lock/tower/lab.tools.txt").read_text(encoding="utf-8")
    found = {pin.name: str(pin.version) for pin in read_pins(tools)}
    assert found["pip"] == "21.3.1"
    assert found.keys() == {"pip", "setuptools", "wheel"}


def test_framework_requirements_constrain_conda(
    channel: Channel, tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = tmp_path / "rig.toml"
    text = rig(channel.url, packages='numpy = "<1.10"', more=FRAMEWORK)
    spec.write_text(text, encoding="utf-8")
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 1
    output = " ".join(done.stderr.split())
    assert 'frameworks = { tensorflow = "1.8" }' in output
    assert 'numpy = "<1.10"' in output
    assert "tensorflow 1.8.0 of the Python index needs numpy>=1.13.3" in output
