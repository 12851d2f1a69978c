"""The changes of a second `rigspec lock`: none, the named packages, or all."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

SPEC = """\
rig = 1
name = "tools"

[machine.box]
os = "debian 12"

[env.lab]
python = "3.11"
interpreter = "system"
packages = { six = "*", idna = "*" }
"""
OLD_SPEC = SPEC + "as_of = 2021-06-01\n"


def pins(folder: Path) -> dict[str, str]:
    text = (folder / "box" / "lab.requirements.txt").read_text(encoding="utf-8")
    lines = [line.split(" ")[0] for line in text.splitlines() if "==" in line]
    return dict(line.split("==") for line in lines)


@pytest.fixture
def aged(tmp_path: Path, rigspec: Rigspec) -> Path:
    """A lock of 2021 with a spec that has no day."""
    (tmp_path / "rig.toml").write_text(OLD_SPEC, encoding="utf-8")
    done = rigspec("lock", tmp_path / "rig.toml", "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    (tmp_path / "rig.toml").write_text(SPEC, encoding="utf-8")
    assert pins(tmp_path / "lock") == {"idna": "3.2", "six": "1.16.0"}
    return tmp_path


def test_relock_keeps_versions(aged: Path, rigspec: Rigspec) -> None:
    done = rigspec("lock", aged / "rig.toml", "-o", aged / "lock")
    assert done.returncode == 0, done.stderr
    assert "no version changed" in done.stderr
    assert pins(aged / "lock") == {"idna": "3.2", "six": "1.16.0"}


def test_update_with_name_changes_only_that(aged: Path, rigspec: Rigspec) -> None:
    done = rigspec("lock", aged / "rig.toml", "-o", aged / "lock", "--update", "six")
    assert done.returncode == 0, done.stderr
    found = pins(aged / "lock")
    assert found["idna"] == "3.2"
    assert found["six"] != "1.16.0"
    assert f"~ lab: six 1.16.0 → {found['six']}\n" in done.stderr
    assert "idna" not in done.stderr


def test_upgrade_changes_everything_and_prints_it(aged: Path, rigspec: Rigspec) -> None:
    done = rigspec("lock", aged / "rig.toml", "-o", aged / "lock", "--upgrade")
    assert done.returncode == 0, done.stderr
    assert "~ lab: six 1.16.0 → " in done.stderr
    assert "~ lab: idna 3.2 → " in done.stderr


def test_update_with_unknown_name_is_refused(aged: Path, rigspec: Rigspec) -> None:
    before = (aged / "lock" / "rig.lock").read_bytes()
    done = rigspec("lock", aged / "rig.toml", "-o", aged / "lock", "--update", "sixx")
    assert done.returncode == 2
    assert "did you mean `six`?" in done.stderr
    assert (aged / "lock" / "rig.lock").read_bytes() == before


def test_lock_with_older_versions_is_up_to_date(tmp_path: Path, rigspec: Rigspec) -> None:
    """A newer release in the matrix is no reason to refuse what was locked."""
    spec, lock = tmp_path / "rig.toml", tmp_path / "lock"
    pinned = SPEC.replace("packages =", 'pip = "<23"\npackages =')
    spec.write_text(pinned, encoding="utf-8")
    assert rigspec("lock", spec, "-o", lock).returncode == 0
    locked = (lock / "box" / "lab.tools.txt").read_text(encoding="utf-8")
    assert "pip==22." in locked
    spec.write_text(SPEC, encoding="utf-8")
    again = rigspec("lock", spec, "-o", lock)
    assert again.returncode == 0, again.stderr
    assert (lock / "box" / "lab.tools.txt").read_text(encoding="utf-8") == locked
    assert rigspec("lock", spec, "-o", lock, "--check").returncode == 0
    assert rigspec("lock", spec, "-o", lock, "--update", "pip").returncode == 0
    assert "pip==22." not in (lock / "box" / "lab.tools.txt").read_text(encoding="utf-8")
