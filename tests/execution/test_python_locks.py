"""Locks of Python environments, installed with their hashes in real interpreters, and computing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.execution.interpreters import have_space, installed_here, installed_in
from tests.execution.roots import SystemRoot

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

TENSORFLOW_1 = """
import tensorflow as tf
import keras
from keras.layers import Dense
print(tf.__version__, keras.__version__)
print(tf.Session().run(tf.reduce_sum(tf.constant([[1., 2.], [3., 4.]]))))
model = keras.models.Sequential([Dense(2, input_shape=(3,), kernel_initializer='ones')])
print(model.predict([[[1., 2., 3.]]]).tolist())
"""
TENSORFLOW_2 = """
import tensorflow as tf
print(tf.__version__, float(tf.reduce_sum(tf.constant([[1., 2.], [3., 4.]]))))
model = tf.keras.Sequential([tf.keras.layers.Dense(2, kernel_initializer='ones')])
print(model.predict(tf.constant([[1., 2., 3.]]), verbose=0).tolist())
"""
TORCH = """
from __future__ import print_function
import torch
left = torch.ones(3, 3, requires_grad=True)
left.mm(left).sum().backward()
print(torch.__version__, left.grad.sum().item())
"""


def locked(
    folder: Path, rigspec: Rigspec, os: str, python: str, interpreter: str, frameworks: str
) -> list[Path]:
    """The requirements files of a rig with one environment: tools first."""
    spec = folder / "rig.toml"
    spec.write_text(
        f'rig = 1\nname = "rig"\n[machine.box]\nos = "{os}"\n'
        f'[env.lab]\npython = "{python}"\ninterpreter = "{interpreter}"\n'
        f"frameworks = {frameworks}\n"
    )
    done = rigspec("lock", spec, "-o", folder / "lock")
    assert done.returncode == 0, done.stderr
    return [folder / "lock" / "box" / f"lab.{part}.txt" for part in ("tools", "requirements")]


@pytest.mark.e2e(minutes=1)
def test_python_lock_tensorflow_1_8_on_python_2_7_installs(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    wanted = '{ tensorflow = "1.8", keras = "*" }'
    files = locked(tmp_path, rigspec, "debian 11", "2.7", "system", wanted)
    env = installed_here("2.7", files, tmp_path)
    output = env.run("-c", f"from __future__ import print_function\n{TENSORFLOW_1}")
    assert output.split() == ["1.8.0", "2.2.5", "10.0", "[[6.0,", "6.0]]"]


@pytest.mark.e2e(minutes=1)
def test_python_lock_tensorflow_1_8_on_python_3_6_installs(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    wanted = '{ tensorflow = "1.8", keras = "*" }'
    files = locked(tmp_path, rigspec, "ubuntu 18.04", "3.6", "pyenv", wanted)
    env = installed_here("3.6", files, tmp_path)
    assert env.run("-c", TENSORFLOW_1).split() == ["1.8.0", "2.2.5", "10.0", "[[6.0,", "6.0]]"]


@pytest.mark.e2e(minutes=1)
def test_python_lock_tensorflow_1_8_on_python_3_5_installs(
    tmp_path: Path, rigspec: Rigspec, ubuntu_16: SystemRoot
) -> None:
    """Ubuntu 16.04 brings the 3.5 that nothing builds any longer."""
    wanted = '{ tensorflow = "1.8", keras = "*" }'
    files = locked(tmp_path, rigspec, "ubuntu 16.04", "3.5", "system", wanted)
    env = installed_in(ubuntu_16, ("python3.5", "-m", "venv"), files)
    assert env.run("-c", TENSORFLOW_1).split() == ["1.8.0", "2.2.5", "10.0", "[[6.0,", "6.0]]"]


@pytest.mark.e2e(minutes=1)
def test_python_lock_torch_1_4_on_python_2_7_installs(tmp_path: Path, rigspec: Rigspec) -> None:
    have_space(tmp_path, 4)
    files = locked(tmp_path, rigspec, "debian 11", "2.7", "system", '{ torch = "1.4" }')
    env = installed_here("2.7", files, tmp_path)
    assert env.run("-c", TORCH).split() == ["1.4.0", "54.0"]


@pytest.mark.nightly
@pytest.mark.e2e(minutes=3)
def test_python_lock_tensorflow_2_15_on_python_3_10_installs(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    have_space(tmp_path, 4)
    files = locked(tmp_path, rigspec, "ubuntu 22.04", "3.10", "system", '{ tensorflow = "2.15" }')
    env = installed_here("3.10", files, tmp_path)
    version, total, *predicted = env.run("-c", TENSORFLOW_2).split()
    assert version.startswith("2.15")
    assert [total, *predicted] == ["10.0", "[[6.0,", "6.0]]"]


@pytest.mark.nightly
@pytest.mark.e2e(minutes=8)
def test_python_lock_current_torch_on_python_3_12_installs(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    have_space(tmp_path, 12)
    files = locked(tmp_path, rigspec, "debian 12", "3.12", "pyenv", '{ torch = "*" }')
    env = installed_here("3.12", files, tmp_path)
    version, gradient = env.run("-W", "ignore", "-c", TORCH).split()
    assert int(version.split(".")[1]) >= 13
    assert gradient == "54.0"
