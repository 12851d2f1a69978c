"""An installer that was cut off, also within the comment at its head, does nothing and fails."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "legacy-cpu"


@pytest.mark.parametrize(
    ("shell", "file"), [("bash", "shell/install.sh"), ("sh", "bashrc/install.sh")]
)
def test_installer_cut_within_its_head_fails(shell: str, file: str, tmp_path: Path) -> None:
    script = (GOLDEN / file).read_bytes()
    quote = script.index(b"'")
    for size in range(quote + 1, script.index(b"\nset -eu") + 1, 5):
        (tmp_path / "install.sh").write_bytes(script[:size])
        cut = subprocess.run(
            [shell, "install.sh"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert cut.returncode != 0, script[:size]
        assert cut.stdout == ""
