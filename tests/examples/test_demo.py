"""`make demo`, without the installation."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.long(seconds=6)

# Installation prints up to five lines more.
MAX_LINES = 55


def test_demo_shows_every_stage_and_the_next_commands(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("rigspec")
    out = tmp_path / "out"
    done = subprocess.run(
        [ROOT / "scripts" / "demo", program, "specs/dl-server.toml", out],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) <= MAX_LINES
    for shown in ("error[RS203]", "= repair:", "tensorflow 1.8.0", "--hash=sha256:", str(program)):
        assert shown in done.stdout
    assert "Next:" in lines[-4]
    assert (out / "artifacts" / "shell" / "install.sh").exists()
