"""Functions of the installer."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.parametrize("spec", ["dl-server", "driver-in-container", "debian-cuda"])
def test_installer_functions_are_defined_once(spec: str, rigspec: Rigspec, tmp_path: Path) -> None:
    """A function of the runtime with the name of a step's would replace it, and call itself."""
    lock = ROOT / "lockfiles" / spec
    rigspec("compile", f"specs/{spec}.toml", "--target", "shell", "--lock", lock, "-o", tmp_path)
    text = (tmp_path / "shell" / "install.sh").read_text(encoding="utf-8")
    names = Counter(re.findall(r"^([a-z_0-9]+)\(\)", text, re.MULTILINE))
    assert len(names) > 50
    assert [name for name, count in names.items() if count > 1] == []
