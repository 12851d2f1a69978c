"""The folder in which the lock of a rig is looked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rigspec.lock.paths import lock_directory


def test_lock_directory_without_lockfiles_is_next_to_the_spec(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert lock_directory(Path("rig.toml"), "lab") == Path("lockfiles/lab")
    assert lock_directory(tmp_path / "rig.toml", "lab") == tmp_path / "lockfiles" / "lab"


def test_lock_directory_above_the_spec_keeps_the_path_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lockfiles").mkdir()
    (tmp_path / "specs").mkdir()
    monkeypatch.chdir(tmp_path)
    assert lock_directory(Path("specs/rig.toml"), "lab") == Path("lockfiles/lab")
    monkeypatch.chdir(tmp_path / "specs")
    assert lock_directory(Path("rig.toml"), "lab") == Path("../lockfiles/lab")


def test_lock_directory_of_another_user_is_not_searched(tmp_path: Path) -> None:
    shared, project = tmp_path / "shared", tmp_path / "shared" / "project"
    (shared / "lockfiles").mkdir(parents=True)
    project.mkdir()
    os.chown(shared / "lockfiles", 12345, 12345)
    spec = project / "rig.toml"
    assert lock_directory(spec, "lab") == project / "lockfiles" / "lab"

    # The owner of the spec may have its lock in a folder above.
    os.chown(project, 12345, 12345)
    assert lock_directory(spec, "lab") == shared / "lockfiles" / "lab"
