"""The folder in which the lock of a rig is looked for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rigspec.lock.paths import ForeignLock, lock_directory
from tests.lock.tiny_rig import Rigspec, written


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


def test_lock_of_another_user_is_refused_unless_it_is_named(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    shared, project = tmp_path / "shared", tmp_path / "shared" / "project"
    project.mkdir(parents=True)
    spec, planted = written(project, None), shared / "lockfiles" / "tiny"
    assert rigspec("lock", spec, "-o", planted).returncode == 0
    for path in (shared / "lockfiles", planted, *planted.iterdir()):
        os.chown(path, 12345, 12345)

    done = rigspec("compile", spec, "--target", "shell", "-o", tmp_path / "out")

    assert done.returncode == 1
    assert f"RS509: {shared / 'lockfiles'} belongs to the user 12345" in done.stderr
    assert not (tmp_path / "out").exists()
    named = ("--lock", planted, "-o", tmp_path / "out")
    assert rigspec("compile", spec, "--target", "shell", *named).returncode == 0
    (project / "lockfiles").mkdir()
    assert rigspec("lock", spec).returncode == 0


@pytest.mark.parametrize("part", ["", "lab", "lab/rig.lock"])
def test_lock_with_a_link_or_part_of_another_user_is_refused(part: str, tmp_path: Path) -> None:
    project, own = tmp_path / "project", tmp_path / "lockfiles" / "lab"
    project.mkdir()
    own.mkdir(parents=True)
    (own / "rig.lock").touch()
    assert lock_directory(project / "rig.toml", "lab") == own
    foreign = tmp_path / "lockfiles" / part
    moved = foreign.rename(tmp_path / "moved")
    foreign.symlink_to(moved)
    os.chown(foreign, 12345, 12345, follow_symlinks=False)
    with pytest.raises(ForeignLock, match="belongs to the user 12345"):
        lock_directory(project / "rig.toml", "lab")


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
