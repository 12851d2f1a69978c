"""Codes that a spec ignores."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
# Python 3.6 (RS302) on Ubuntu 18.04 (RS301), both past their end of life.
OLD = """\
rig = 1
name = "old"

[machine.m]
os = "ubuntu 18.04"

[env.e]
python = "3.6"
"""
CONFLICT = """\
rig = 1
name = "x"

[machine.m]
os = "ubuntu 22.04"

[env.e]
python = "3.12"
interpreter = "system"
"""


def write_spec(folder: Path, text: str, ignore: str) -> Path:
    """Write a spec that ignores the codes, and return its path."""
    path = folder / "rig.toml"
    path.write_text(f"{text}\n[check]\nignore = {ignore}\n", encoding="utf-8")
    return path


def read_result(done: subprocess.CompletedProcess[str]) -> tuple[list[str], int]:
    """Return the codes of the diagnostics, and the number of ignored ones."""
    (result,) = json.loads(done.stdout)["results"]
    return [each["code"] for each in result["diagnostics"]], result["ignored"]


def test_ignored_code_of_spec_is_hidden_and_counted(tmp_path: Path, rigspec: Rigspec) -> None:
    spec = write_spec(tmp_path, OLD, '["RS302"]')
    codes, ignored = read_result(rigspec("check", str(spec), "--format", "json"))
    assert "RS301" in codes
    assert "RS302" not in codes
    assert ignored == 1


@pytest.mark.parametrize("run", ["first", "cached"])
def test_summary_counts_ignored_diagnostics(run: str, tmp_path: Path, rigspec: Rigspec) -> None:
    spec = write_spec(tmp_path, OLD, '["RS302", "RS301"]')
    done = rigspec("check", str(spec))
    if run == "cached":
        done = rigspec("check", str(spec))
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].endswith("machine m: ok (2 ignored)")
    assert done.stderr == ""


def test_option_adds_to_ignored_codes_of_spec(tmp_path: Path, rigspec: Rigspec) -> None:
    spec = write_spec(tmp_path, OLD, '["RS302"]')
    done = rigspec("check", str(spec), "--ignore", "RS301", "--format", "json")
    assert read_result(done) == ([], 2)


def test_error_is_not_ignored(tmp_path: Path, rigspec: Rigspec) -> None:
    spec = write_spec(tmp_path, CONFLICT, '["RS213"]')
    done = rigspec("check", str(spec), "--format", "json")
    assert done.returncode == 1
    assert read_result(done) == (["RS213"], 0)


@pytest.mark.parametrize(
    ("code", "help_text"),
    [("RS320", "did you mean `RS302`"), ("RS999", "run `rigspec explain` for a list")],
)
def test_unknown_code_is_an_error_at_its_place(
    code: str, help_text: str, tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = write_spec(tmp_path, OLD, f'["RS301", "{code}"]')
    done = rigspec("check", str(spec))
    assert done.returncode == 2
    assert f"error[RS003]: no diagnostic code `{code}`" in done.stderr
    assert f"{spec}:11:20" in done.stderr
    assert f'ignore = ["RS301", "{code}"]' in done.stderr
    assert f"= help: {help_text}" in done.stderr


def test_word_that_is_not_a_code_is_an_error(tmp_path: Path, rigspec: Rigspec) -> None:
    done = rigspec("check", str(write_spec(tmp_path, OLD, '["end-of-life"]')))
    assert done.returncode == 2
    assert "`check.ignore[0]`: expected a diagnostic code such as `RS302`" in done.stderr


def test_ignored_codes_do_not_make_a_lock_stale(tmp_path: Path, rigspec: Rigspec) -> None:
    spec = write_spec(tmp_path, OLD.partition("\n[env")[0], "[]")
    lock = tmp_path / "lock"
    done = rigspec("lock", str(spec), "-o", str(lock), "-q")
    assert done.returncode == 0, done.stderr
    write_spec(tmp_path, OLD.partition("\n[env")[0], '["RS301"]')
    assert rigspec("lock", str(spec), "-o", str(lock), "--check").returncode == 0
