"""All errors of a spec at once: of form, of names, of versions, and conflicts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.resolve.rigs import check, errors

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

SPEC = """\
rig = 1
name = "box"
colour = "red"

[machine.box]
os = "ubuntu 16.04"
driver = "five"
gpus = ["RTX 4909", "Radeon 7900"]

[env.lab]
python = "3.99"
frameworks = { tensorfow = "2.4", torch = "2.x.y" }

[env.old]
python = "3.11"
frameworks = { tensorflow = "2.4" }
"""


def test_check_reports_errors_of_form_names_versions_and_conflicts_at_once(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text(SPEC, encoding="utf-8")
    done = rigspec("check", str(spec), "--format", "json")
    assert done.returncode == 2
    (report,) = json.loads(done.stdout)["results"]
    found = [(d["code"], d["spans"][0]["line"]) for d in report["diagnostics"]]
    assert sorted(found) == [
        ("RS002", 3),  # colour
        ("RS004", 7),  # driver
        ("RS004", 12),  # torch
        ("RS009", 12),  # tensorfow
        ("RS101", 8),
        ("RS101", 8),
        ("RS207", 15),  # tensorflow 2.4 and Python 3.11
        ("RS214", 11),  # python
    ]


def test_unknown_names_do_not_hide_conflicts(tmp_path: Path) -> None:
    text = """
[machine.box]
gpus = ["RTX 4909"]
[env.lab]
python = "3.11"
frameworks = { tensorflow = "2.4", tensorfow = "2.4" }
"""
    report = check(tmp_path, text)
    assert report.status == "invalid"
    assert errors(report) == ["RS009", "RS101", "RS207"]


def test_spec_with_a_possible_secret_is_not_checked_further(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = tmp_path / "rig.toml"
    token = "ghp_" + "A1b2C3d4E5f6G7h8I9j0" * 2
    spec.write_text(SPEC.replace('"red"', f'"{token[:40]}"'), encoding="utf-8")
    done = rigspec("check", str(spec))
    assert done.returncode == 2
    assert token[:40] not in done.stdout + done.stderr
