"""What docker gets of every spec, held before the tools that read it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from rigspec.backend.discovery import find_backends
from tests.committed_rigs import MACHINES

# The longest Dockerfile of a rig in specs/.
MAX_LINES, MAX_BYTES, MAX_COLUMNS = 110, 7_000, 190
CHECKS = next(backend.checks for backend in find_backends() if backend.name == "docker")


@pytest.fixture(scope="module", params=MACHINES, ids="-".join)
def compiled(
    request: pytest.FixtureRequest,
    rigspec: Callable[..., subprocess.CompletedProcess[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[str, Path]:
    """The name of a rig, and the folder of its target docker."""
    spec, machine = request.param
    out = tmp_path_factory.mktemp(spec)
    where = ("--machine", machine, "--locked", "-o", out)
    done = rigspec("compile", f"specs/{spec}.toml", "--target", "docker", *where)
    assert done.returncode == 0, done.stderr
    return spec, out / "docker"


def test_docker_artifacts_pass_hadolint_shellcheck_and_compose(
    compiled: tuple[str, Path], check_file: Callable[[Sequence[str], Path], None]
) -> None:
    _, folder = compiled
    files = [(check, file) for check in CHECKS for file in sorted(folder.glob(check.path))]
    assert files
    for check, file in files:
        check_file(check.command, file)


def test_dockerfile_is_short_and_every_delivered_file_is_used(compiled: tuple[str, Path]) -> None:
    spec, folder = compiled
    text = (folder / "Dockerfile").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= (100 if spec == "dl-server" else MAX_LINES)
    assert len(text.encode()) <= (6_000 if spec == "dl-server" else MAX_BYTES)
    assert max(len(line) for line in text.splitlines()) <= MAX_COLUMNS
    texts = {path: path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()}
    for file in (folder / "files").iterdir():
        assert any(file.name in text for path, text in texts.items() if path != file), file.name
