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
# The longest Dockerfile of a rig in specs/.
MAX_LINES, MAX_BYTES, MAX_COLUMNS = 110, 7_000, 190
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


@pytest.mark.parametrize(("spec", "machine"), RIGS)
def test_dockerfile_is_short_and_every_delivered_file_is_used(
    spec: str, machine: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "rigspec", "compile", f"specs/{spec}.toml", "--target"]
    subprocess.run(
        [*command, "docker", "--machine", machine, "--locked", "-o", tmp_path],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    folder = tmp_path / "docker"
    text = (folder / "Dockerfile").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= (100 if spec == "dl-server" else MAX_LINES)
    assert len(text.encode()) <= (6_000 if spec == "dl-server" else MAX_BYTES)
    assert max(len(line) for line in text.splitlines()) <= MAX_COLUMNS
    texts = {path: path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()}
    for file in (folder / "files").iterdir():
        assert any(file.name in text for path, text in texts.items() if path != file), file.name
