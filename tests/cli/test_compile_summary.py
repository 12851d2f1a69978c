"""What ``compile`` prints and lists: targets, files, and what is not included."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.backend.discovery import find_backends
from tests.conftest import ROOT

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def rig(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "specs" / "legacy-cpu.toml", tmp_path / "rig.toml")
    shutil.copytree(ROOT / "lockfiles" / "legacy-cpu", tmp_path / "lock")
    return tmp_path


def compile_targets(rigspec: Rigspec, rig: Path, *options: str) -> subprocess.CompletedProcess[str]:
    done = rigspec("compile", "--lock", "lock", *options, cwd=rig)
    assert done.returncode == 0, done.stderr
    return done


def test_compile_prints_one_line_a_target_and_one_a_reason(rigspec: Rigspec, rig: Path) -> None:
    done = compile_targets(rigspec, rig, "--target", "bashrc")
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if "warning" not in line]
    assert lines == [
        "Shell start-up fragment: 2 files (8 KB) in out/bashrc",
        "  not included: Platform: debian 11 on x86_64 and 4 more (this target only sets "
        "environment variables)",
    ]


def test_compile_several_targets_prints_one_line_each(rigspec: Rigspec, rig: Path) -> None:
    done = compile_targets(rigspec, rig, "--target", "all")
    lines = [line for line in done.stderr.splitlines() if "warning" not in line]
    assert len(lines) == len(find_backends()) + 1
    assert lines[-1].startswith("note: --verbose")


def test_compile_verbose_lists_files_and_items(rigspec: Rigspec, rig: Path) -> None:
    done = compile_targets(rigspec, rig, "--target", "bashrc", "--verbose")
    assert "  out/bashrc/rig.sh (" in done.stderr
    assert "    Python environment tf18\n" in done.stderr


def test_compile_quiet_prints_nothing(rigspec: Rigspec, rig: Path) -> None:
    done = compile_targets(rigspec, rig, "--target", "bashrc", "--quiet")
    assert (done.stdout, done.stderr) == ("", "")


def test_compile_second_target_keeps_first_in_targets_file(rigspec: Rigspec, rig: Path) -> None:
    compile_targets(rigspec, rig, "--target", "bashrc")
    compile_targets(rigspec, rig, "--target", "conda")
    content = json.loads((rig / "out" / "targets.json").read_text(encoding="utf-8"))
    assert [target["name"] for target in content["targets"]] == ["bashrc", "conda"]
    for target in content["targets"]:
        assert all((rig / "out" / file).is_file() for file in target["files"])
        assert target["not_included"]


def test_compile_edited_targets_file_is_refused(rigspec: Rigspec, rig: Path) -> None:
    compile_targets(rigspec, rig, "--target", "bashrc")
    (rig / "out" / "targets.json").write_text("[]", encoding="utf-8")
    done = rigspec("compile", "--lock", "lock", "--target", "conda", cwd=rig)
    assert done.returncode == 2
    assert "RS604" in done.stderr
    assert (rig / "out" / "targets.json").read_text(encoding="utf-8") == "[]"
