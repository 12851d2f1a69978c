"""Environments that take their packages from a file: ``from = "pyproject.toml"``."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.importing.env_files import load_spec_with_files
from rigspec.spec.loader import InvalidSpec, compute_spec_digest

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

RIG = """\
rig = 1
name = "lab"
[machine.tower]
os = "ubuntu 22.04"
gpus = ["RTX 4090"]
[env.lab]
from = "pyproject.toml"
packages = { numpy = "1.26" }
"""

PYPROJECT = """\
[project]
name = "lab"
requires-python = ">=3.10"
dependencies = [
  "torch==2.5.1",
  "torchvision==0.19.1",
  "NumPy>=2",
]
"""


@pytest.fixture
def rig(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    file = tmp_path / "rig.toml"
    file.write_text(RIG)
    return file


def test_environment_takes_packages_of_file_and_keeps_its_own(rig: Path) -> None:
    loaded = load_spec_with_files(str(rig))
    env = loaded.spec.rig.env["lab"]
    assert env.python == ">=3.10"
    assert env.frameworks == {"torch": "==2.5.1"}
    assert env.packages == {"numpy": "1.26", "torchvision": "==0.19.1"}


def test_digest_changes_with_the_file(rig: Path) -> None:
    before = compute_spec_digest(load_spec_with_files(str(rig)).spec.rig)
    project = rig.parent / "pyproject.toml"
    project.write_text(PYPROJECT.replace("0.19.1", "0.20.1"))
    assert compute_spec_digest(load_spec_with_files(str(rig)).spec.rig) != before


def test_check_reports_conflict_at_the_line_of_the_file(rigspec: Rigspec, rig: Path) -> None:
    project = rig.parent / "pyproject.toml"
    done = rigspec("check", str(rig), "--format", "json")
    assert done.returncode == 1, done.stderr
    error = json.loads(done.stdout)["results"][0]["diagnostics"][0]
    assert [(s["file"], s["line"]) for s in error["spans"]] == [
        (str(project), 5),
        (str(project), 6),
    ]
    assert error["repairs"][0]["edits"][0]["key"] == f"{project}:6 (torchvision)"
    text = rigspec("check", str(rig))
    assert '"torchvision==0.19.1"' in text.stderr


@pytest.mark.parametrize(
    ("file", "message"),
    [("missing.toml", "cannot read"), ("notes.md", "unknown format")],
)
def test_file_that_cannot_be_read_is_an_error_at_its_key(
    file: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "notes.md").write_text("# Notes\nSome prose.\n")
    spec = tmp_path / "rig.toml"
    spec.write_text(f'rig = 1\nname = "x"\n[env.lab]\nfrom = "{file}"\n')
    with pytest.raises(InvalidSpec) as caught:
        load_spec_with_files(str(spec))
    (error,) = caught.value.diagnostics
    assert (error.code, error.spans[0].line) == ("RS010", 4)
    assert message in error.message


def test_package_with_a_secret_word_in_its_name_is_accepted(tmp_path: Path) -> None:
    spec = tmp_path / "rig.toml"
    spec.write_text('rig = 1\nname = "x"\n[env.lab.packages]\ngoogle-auth = "==2.6.0"\n')
    assert load_spec_with_files(str(spec)).spec.rig.env["lab"].packages == {
        "google-auth": "==2.6.0"
    }
