"""Check units with systemd's own reader."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from rigspec.plan.steps import ServiceStep

__all__ = ["check_unit"]

_UNITS = "etc/systemd/system"


def check_unit(service: ServiceStep, folder: Path) -> None:
    """Assert that systemd accepts a unit; its program is an empty file in the folder."""
    (program,) = re.findall(r"^ExecStart=(\S+)", service.unit, re.MULTILINE)
    executable = folder / program.lstrip("/")
    executable.parent.mkdir(parents=True)
    executable.touch(0o755)
    file = folder / _UNITS / service.name
    file.parent.mkdir(parents=True)
    file.write_text(service.unit, encoding="utf-8")
    done = subprocess.run(
        [
            *("systemd-analyze", "verify", "--recursive-errors=no", f"--root={folder}"),
            f"/{_UNITS}/{service.name}",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
