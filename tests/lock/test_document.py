"""A lock as files: what is written is read back, and one byte changed anywhere is noticed."""

from __future__ import annotations

import shutil
import string
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rigspec.fs.atomic_tree import MANIFEST, write_tree_atomically
from rigspec.lock.lockfile import CorruptLock, NoLock, lock_files, read_lock
from rigspec.lock.model import (
    Lock,
    LockedEnv,
    LockedFile,
    LockedInterpreter,
    LockedMachine,
    LockedPackage,
    LockedPythonPackage,
    Unpinned,
)
from rigspec.resolution import EnvResolution, Pin, Resolution
from tests.conftest import ROOT

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
RIGS = sorted(folder.name for folder in (ROOT / "lockfiles").iterdir())
WORDS = st.text(string.ascii_letters + string.digits + " .-'\"\\#=[]ü", max_size=15)
VERSIONS = st.sampled_from(["1.0", "1.0.post1", "2.7.1+cu118", "0.9999999", "3.0rc1"])
NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=6)


@st.composite
def python_packages(draw: st.DrawFn) -> tuple[LockedPythonPackage, ...]:
    checksums = st.sets(st.sampled_from(["0" * 64, "f" * 64]), min_size=1)
    return tuple(
        LockedPythonPackage(name, draw(VERSIONS), tuple(sorted(draw(checksums))))
        for name in sorted(draw(st.sets(NAMES, max_size=3)))
    )


@st.composite
def locks(draw: st.DrawFn) -> Lock:
    envs = draw(st.lists(NAMES, unique=True, max_size=2))
    resolution = Resolution(
        machine=draw(st.none() | NAMES),
        os=draw(WORDS),
        arch="x86_64",
        accelerator="cpu",
        driver=draw(st.none() | WORDS),
        envs=tuple(
            EnvResolution(name, draw(WORDS), draw(WORDS), (Pin(draw(WORDS), draw(WORDS)),))
            for name in envs
        ),
    )
    machine = LockedMachine(
        resolution=resolution,
        files=(LockedFile(draw(WORDS), draw(WORDS), draw(WORDS), "matrix", part=draw(WORDS)),),
        packages=(LockedPackage(f"lib{draw(NAMES)}", "system", draw(st.none() | WORDS)),),
        envs=tuple(
            LockedEnv(
                name,
                "uv",
                packages=draw(python_packages()),
                tools=draw(python_packages()),
                interpreter=LockedInterpreter("system", (draw(WORDS),), (draw(WORDS),)),
            )
            for name in envs
        ),
        unpinned=(Unpinned(draw(WORDS), draw(WORDS)),),
    )
    return Lock(draw(WORDS), draw(WORDS), draw(WORDS), (machine,))


@settings(deadline=None)
@given(lock=locks())
def test_lock_written_is_read_back(lock: Lock, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("lock") / "lock"
    write_tree_atomically(folder, lock_files(lock))
    assert read_lock(folder)[0] == lock


@pytest.mark.parametrize("rig", RIGS)
def test_lock_with_one_changed_byte_is_refused(rig: str, tmp_path: Path) -> None:
    folder = tmp_path / rig
    shutil.copytree(ROOT / "lockfiles" / rig, folder)
    read_lock(folder)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"rig.lock", MANIFEST} <= {file.name for file in files}
    for file in files:
        data = file.read_bytes()
        for place in range(0, len(data), 53):
            file.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            with pytest.raises(CorruptLock):
                read_lock(folder)
        file.write_bytes(data)


def test_compile_locked_with_changed_lock_is_refused(rigspec: Rigspec, tmp_path: Path) -> None:
    """A byte anywhere: first, last and in the middle of every file of a lock with all its parts."""
    folder = tmp_path / "lock"
    spec = "specs/legacy-cpu.toml"
    shutil.copytree(ROOT / "lockfiles" / "legacy-cpu", folder)
    arguments = ("compile", spec, "--target", "shell", "--locked", "--lock", folder, "-o")
    assert rigspec(*arguments, tmp_path / "whole").returncode == 0
    for file in [path for path in folder.rglob("*") if path.is_file()]:
        data = file.read_bytes()
        for place in (0, len(data) // 2, len(data) - 1):
            file.write_bytes(data[:place] + bytes([data[place] ^ 0x80]) + data[place + 1 :])
            done = rigspec(*arguments, tmp_path / "out")
            assert done.returncode == 1
            assert "error[RS503]" in done.stderr
            assert "Traceback" not in done.stderr
            assert not (tmp_path / "out").exists()
        file.write_bytes(data)


def test_read_lock_without_lock_raises(tmp_path: Path) -> None:
    with pytest.raises(NoLock):
        read_lock(tmp_path)


@pytest.mark.parametrize("rig", RIGS)
def test_lock_has_hashes_and_no_index_address(rig: str) -> None:
    for file in (ROOT / "lockfiles" / rig).rglob("*.txt"):
        text = file.read_text(encoding="utf-8")
        assert "://" not in text
        pins = [line for line in text.splitlines() if "==" in line]
        assert pins
        assert all(line.endswith("\\") for line in pins)
        assert text.count("--hash=sha256:") >= len(pins)
