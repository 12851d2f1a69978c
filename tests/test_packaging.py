"""The distribution contains every package, and installs and runs outside the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import tomli

from tests.conftest import ROOT
from tests.documents import blocks_of

BUILD_INPUTS = ("pyproject.toml", "README.md", "LICENSE", "rigspec", "backends")
JUNK = shutil.ignore_patterns("__pycache__", "*.egg-info")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy so that no build folder is left in the checkout."""
    source = tmp_path_factory.mktemp("source")
    for name in BUILD_INPUTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=JUNK)
        else:
            shutil.copy(ROOT / name, source / name)
    out = tmp_path_factory.mktemp("dist")
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, "build", "--quiet", "--wheel", "--out-dir", str(out), str(source)]
    subprocess.run(command, check=True)
    (built,) = out.glob("*.whl")
    return built


def test_wheel_contains_every_file(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    tracked = subprocess.run(
        ["git", "ls-files", "rigspec", "backends"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    expected = {
        f"rigspec/{name}" if name.startswith("backends/") else name
        for name in tracked
        if (ROOT / name).exists()
    }
    assert expected <= packed


def test_metadata_has_licence_addresses_and_python_versions(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode("utf-8")
        assert name.replace("METADATA", "licenses/LICENSE") in archive.namelist()
    assert "License-Expression: Apache-2.0" in metadata
    for label in ("Homepage", "Documentation", "Source", "Issues", "Changelog"):
        assert f"Project-URL: {label}, https://" in metadata
    project = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for minor in range(int(project["requires-python"].rpartition(".")[2]), 15):
        assert f"Classifier: Programming Language :: Python :: 3.{minor}\n" in metadata


def _install_commands() -> list[str]:
    return [
        block.text.strip()
        for block in blocks_of(ROOT / "README.md")
        if block.language == "sh" and "install" in block.text
    ]


def test_readme_installs_with_uv_and_pip() -> None:
    assert _install_commands() == ["uv tool install rigspec", "pip install rigspec"]


@pytest.mark.parametrize(
    "command",
    [
        "uv tool install rigspec",
        pytest.param("pip install rigspec", marks=pytest.mark.e2e(minutes=3)),
    ],
)
def test_readme_installation_works_outside_the_checkout(
    command: str, wheel: Path, tmp_path: Path
) -> None:
    assert command in _install_commands()
    # The wheel is not published: a constraint stands in for the index's entry.
    constraint = tmp_path / "constraint.txt"
    constraint.write_text(f"rigspec @ {wheel.as_uri()}\n", encoding="utf-8")
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    tools = tmp_path / "tools"
    bin_path = tools / "bin" if command.startswith("uv") else venv / "bin"
    environment = {
        **os.environ,
        "PATH": f"{bin_path}:{venv / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "UV_CONSTRAINT": str(constraint),
        "PIP_CONSTRAINT": str(constraint),
        "UV_TOOL_DIR": str(tools),
        "UV_TOOL_BIN_DIR": str(tools / "bin"),
        "PYTHONPATH": "",
    }
    script = f"{command}\nrigspec --version\nrigspec check legacy-cpu.toml\nrigspec explain RS203"
    shutil.copy(ROOT / "specs" / "legacy-cpu.toml", tmp_path)
    done = subprocess.run(
        ["bash", "-ec", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tensorflow 1.8.0" in done.stdout
    assert str(ROOT) not in done.stdout
    program = subprocess.run(
        ["bash", "-c", "command -v rigspec"], env=environment, capture_output=True, text=True
    )
    assert program.stdout.strip() == str(bin_path / "rigspec")
