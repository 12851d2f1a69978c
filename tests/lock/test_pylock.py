"""`rigspec lock --pylock`: a file that another installer takes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli
from packaging.pylock import Pylock, is_valid_pylock_path
from uv import find_uv_bin

SERIES = "{}.{}".format(*sys.version_info[:2])
SPEC = f"""\
rig = 1
name = "lab"
[env.lab]
python = "{SERIES}"
interpreter = "pyenv"
packages = {{ pyyaml = "*", idna = "*" }}
"""


@pytest.fixture
def locked(tmp_path: Path, rigspec: Callable[..., subprocess.CompletedProcess[str]]) -> Path:
    (tmp_path / "rig.toml").write_text(SPEC)
    done = rigspec("lock", tmp_path / "rig.toml", "-o", tmp_path / "lock", "--pylock")
    assert done.returncode == 0, done.stderr
    return tmp_path / "lock"


def test_pylock_with_requirements_is_valid_and_has_same_pins(locked: Path) -> None:
    file = locked / "pylock.lab.toml"
    assert is_valid_pylock_path(file)
    pylock = Pylock.from_dict(tomli.loads(file.read_text()))
    requirements = (locked / "lab.requirements.txt").read_text()
    for name in ("idna", "pyyaml"):
        package = next(package for package in pylock.packages if package.name == name)
        assert f"{name}=={package.version} " in requirements
        for wheel in package.wheels or ():
            assert f"sha256:{wheel.hashes['sha256']}" in requirements


def test_pylock_installs_with_uv(locked: Path, tmp_path: Path) -> None:
    env = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", env], check=True)
    python = env / "bin" / "python"
    command = [find_uv_bin(), "pip", "sync", "--python", python, locked / "pylock.lab.toml"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    output = subprocess.run(
        [python, "-c", "import yaml, idna; print(yaml.safe_load('[1, 2]'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert output.stdout == "[1, 2]\n"


def test_pylock_option_adds_file_to_lock(
    locked: Path, rigspec: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    file = locked / "pylock.lab.toml"
    file.write_text(file.read_text().replace("rigspec", "rigspek"))
    done = rigspec("lock", locked.parent / "rig.toml", "-o", locked, "--check")
    assert done.returncode == 1
    assert "pylock.lab.toml was changed after it was written" in done.stderr
