"""What docker gets of every spec, held before the tools that read it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rigspec.backend.discovery import find_backends
from rigspec.lock.lockfile import read_lock
from tests.conftest import ROOT

RIGS = [
    (path.name, machine.resolution.machine or "")
    for path in sorted((ROOT / "lockfiles").iterdir())
    for machine in read_lock(path)[0].machines
]
CHECKS = next(backend.checks for backend in find_backends() if backend.name == "docker")


@pytest.mark.parametrize(("spec", "machine"), RIGS)
def test_docker_artifacts_pass_hadolint_shellcheck_and_compose(
    spec: str, machine: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "rigspec", "compile", f"specs/{spec}.toml", "--target"]
    done = subprocess.run(
        [*command, "docker", "--machine", machine, "--locked", "-o", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    checked = 0
    for check in CHECKS:
        for file in sorted(tmp_path.rglob(f"docker/{check.path}")):
            words = [str(file) if word == "{}" else word for word in check.command]
            folder = Path(sys.executable).parent / words[0]
            tool = str(folder) if folder.exists() else shutil.which(words[0])
            assert tool, f"{words[0]} is not installed"
            result = subprocess.run([tool, *words[1:]], capture_output=True, text=True, check=False)
            assert result.returncode == 0, result.stdout + result.stderr
            checked += 1
    assert checked
