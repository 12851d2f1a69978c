"""Warnings about releases past their end of life are one line for people."""

from __future__ import annotations

from pathlib import Path

from rigspec.diagnostics.render.text import render_text
from tests.resolve.rigs import check

OLD = '[machine.box]\nos = "ubuntu 20.04"\n{}[env.lab]\npython = "3.9"\n'


def test_several_end_of_life_warnings_are_one_line(tmp_path: Path) -> None:
    report = check(tmp_path, OLD.format('driver = "470"\ngpus = ["RTX 3090"]\n'))
    lines = [li for li in render_text(report, {}).splitlines() if li.startswith("warning")]
    assert lines == [
        "warning[RS301, RS302, RS303]: past end of life: Ubuntu 20.04 (2025-05-31), "
        "Python 3.9 (2025-10-31), driver branch 470 (2024-07-20)"
    ]
    codes = [d.code for d in report.diagnostics if d.severity.value == "warning"]
    assert codes == ["RS301", "RS302", "RS303"]


def test_one_end_of_life_warning_shows_its_line(tmp_path: Path) -> None:
    report = check(tmp_path, OLD.format("").replace('"3.9"', '"3.13"'))
    assert "warning[RS301]: Ubuntu 20.04 reached end of " in render_text(report, {})
    assert "rig.toml:4:6" in render_text(report, {})
