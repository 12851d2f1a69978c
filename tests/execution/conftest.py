"""Real systems for real installers. What is missing is installed, or the test fails."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.execution.roots import SystemRoot, make_root


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    subprocess.run([ROOT / "scripts" / "install-test-tools"], check=True)


@pytest.fixture(scope="session")
def debian_11_base() -> Path:
    return make_root("bullseye", Path.home() / ".cache" / "rigspec-tests")


@pytest.fixture
def debian_11(debian_11_base: Path, tmp_path: Path) -> SystemRoot:
    copy = tmp_path / "root"
    subprocess.run(["cp", "-a", "--reflink=auto", debian_11_base, copy], check=True)
    return SystemRoot(copy)


@pytest.fixture(scope="session")
def ubuntu_16_base() -> Path:
    # Its first Python 3.5, of before the updates, lacks what SciPy asks of `typing`.
    options = ("--components=main,universe", "--include=ca-certificates")
    updated = ("python3-venv",)
    return make_root("xenial", Path.home() / ".cache" / "rigspec-tests", *options, updated=updated)


@pytest.fixture
def ubuntu_16(ubuntu_16_base: Path, tmp_path: Path) -> SystemRoot:
    copy = tmp_path / "root"
    subprocess.run(["cp", "-a", "--reflink=auto", ubuntu_16_base, copy], check=True)
    return SystemRoot(copy)


@pytest.fixture(scope="session")
def debian_12_base() -> Path:
    return make_root("bookworm", Path.home() / ".cache" / "rigspec-tests")


@pytest.fixture
def debian_12(debian_12_base: Path, tmp_path: Path) -> SystemRoot:
    copy = tmp_path / "root"
    subprocess.run(["cp", "-a", "--reflink=auto", debian_12_base, copy], check=True)
    return SystemRoot(copy)


@pytest.fixture
def legacy_cpu(rigspec: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> Path:
    """specs/legacy-cpu.toml, compiled to every target from its committed lock."""
    out = tmp_path / "out"
    done = rigspec(
        "compile", "specs/legacy-cpu.toml", "--target", "all", "--locked", "-o", str(out)
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
