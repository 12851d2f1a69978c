"""After an interrupted dpkg run the installer completes it, and the links of the certificates."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

LIBRARY = ROOT / "backends" / "steps" / "library" / "packages.sh"


@pytest.mark.parametrize(
    ("interrupted", "fails", "expected"),
    [
        (False, False, []),
        (True, False, ["dpkg --configure", "update-ca-certificates --fresh"]),
        (True, True, ["dpkg --configure", "update-ca-certificates --fresh"]),
    ],
)
def test_interrupted_dpkg_is_completed_with_links_of_certificates(
    interrupted: bool, fails: bool, expected: list[str], tmp_path: Path
) -> None:
    calls, audited = tmp_path / "calls", tmp_path / "audited"
    programs = {
        "dpkg": f'[ "$1" != --audit ] || {{ [ {interrupted} = False ] || [ -e {audited} ] || '
        f'{{ : >{audited}; echo broken; }}; exit 0; }}; echo "dpkg $1" >>{calls}',
        "find": ":",
        "update-ca-certificates": f'echo "update-ca-certificates $1" >>{calls}; exit {int(fails)}',
    }
    for name, text in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    (function,) = re.findall(
        r"^repair_packages\(\) \{.*?^\}\n", LIBRARY.read_text(encoding="utf-8"), re.M | re.S
    )
    script = f"set -euo pipefail\nwait_for_apt() {{ :; }}\n{function}repair_packages\n"

    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert (calls.read_text().splitlines() if calls.exists() else []) == expected
