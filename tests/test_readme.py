"""The README shows what rigspec really says."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable

import pytest

from tests.conftest import ROOT

BLOCKS = re.findall(
    r"^\$ rigspec ((?:check|why) [^\n]+)\n(.*?)(?=^\$ |^```)",
    (ROOT / "README.md").read_text(encoding="utf-8"),
    re.MULTILINE | re.DOTALL,
)


@pytest.mark.parametrize(("command", "shown"), BLOCKS)
def test_every_line_shown_is_said(
    command: str, shown: str, rigspec: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    done = rigspec(*command.split())
    said = (done.stdout + done.stderr).splitlines()
    assert shown.splitlines()
    for line in shown.splitlines():
        assert line in said or line == "…"
