"""Locks of earlier releases are read; those of newer ones are refused, and stay."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.backend.discovery import find_backends
from rigspec.backend.render import compile_plan
from rigspec.fs.atomic_tree import read_tree, write_tree_atomically
from rigspec.lock.lockfile import NewerLock, lock_files, read_lock
from rigspec.lock.migration import VERSION, find_version, migrate
from rigspec.lock.model import Lock, LockedImage, LockedToolkit
from rigspec.plan.build import build_plan
from rigspec.spec.loader import load_spec
from tests.conftest import ROOT

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

# Written by `rigspec lock`: `legacy-cpu` on 2026-11-21, with several checksums for a package and
# the header of that time; `driver-in-container` on 2026-11-28.
_FORMAT_1 = ROOT / "tests" / "lock" / "format_1"
RIGS = sorted(folder.name for folder in _FORMAT_1.iterdir())


def compile_all(rig: str, lock: Lock) -> dict[str, bytes]:
    """The files of every target, by target and path."""
    (machine,) = lock.machines
    spec = load_spec(str(_FORMAT_1 / rig / "rig.toml"))
    plan = build_plan(spec.rig, lock, machine.resolution.machine, "0" * 64)
    return {
        f"{backend.name}/{file.path}": file.content
        for backend in find_backends()
        for file in compile_plan(plan, backend)
    }


@pytest.mark.parametrize("rig", RIGS)
def test_lock_of_format_1_rewritten_has_same_artifacts(rig: str, tmp_path: Path) -> None:
    lock, _ = read_lock(_FORMAT_1 / rig / "lock")
    write_tree_atomically(tmp_path / "lock", lock_files(lock))
    again, _ = read_lock(tmp_path / "lock")
    assert again == lock
    assert f"\nversion = {find_version(lock)}\n" in (tmp_path / "lock" / "rig.lock").read_text(
        "utf-8"
    )
    assert compile_all(rig, again) == compile_all(rig, lock)


def test_lock_of_format_1_has_all_checksums_of_its_packages() -> None:
    lock, _ = read_lock(_FORMAT_1 / "legacy-cpu" / "lock")
    (env,) = lock.machines[0].envs
    text = (_FORMAT_1 / "legacy-cpu/lock/box/tf18.requirements.txt").read_text("utf-8")
    assert len(env.packages) == text.count("==")
    assert sum(len(package.sha256) for package in env.packages) == text.count("--hash=sha256:")
    assert ("tensorflow", "1.8.0") in [(each.name, each.version) for each in env.packages]


def test_lock_of_format_1_has_toolkit_source_of_cuda_and_image() -> None:
    lock, _ = read_lock(_FORMAT_1 / "driver-in-container" / "lock")
    (machine,) = lock.machines
    assert machine.toolkit == LockedToolkit("/usr/lib/cuda", "/usr/bin/nvcc", "g++-11")
    assert machine.resolution.cuda_provider == "debian"
    assert machine.image == LockedImage("debian:12")


@pytest.mark.parametrize(
    ("parts", "provider"),
    [
        ({"files": [{"part": "cuda"}]}, "runfile"),
        ({"packages": [{"part": "cuda"}], "repositories": [{"name": "nvidia"}]}, "nvidia"),
        ({"packages": [{"part": "cuda"}]}, "debian"),
        ({}, None),
    ],
)
def test_migration_finds_source_of_cuda(parts: dict[str, object], provider: str | None) -> None:
    machine = {"resolution": {"cuda": "9.0.176"}, **parts}
    migrate({"machines": [machine]}, 1)
    assert machine["toolkit"] == {"home": "/usr/local/cuda-9.0"}
    resolution = machine["resolution"]
    assert isinstance(resolution, dict)
    assert resolution.get("cuda_provider") == provider


@pytest.mark.parametrize("rig", RIGS)
def test_check_of_lock_of_format_1_answers(rig: str, rigspec: Rigspec, tmp_path: Path) -> None:
    shutil.copytree(_FORMAT_1 / rig, tmp_path / rig)
    spec, lock = tmp_path / rig / "rig.toml", tmp_path / rig / "lock"
    done = rigspec("lock", spec, "--check", "-o", lock)
    if rig == "driver-in-container":
        assert (done.returncode, done.stderr) == (0, f"{lock} is up to date\n")
    else:
        # Its frameworks have other versions than today, and it has no packages of the system.
        assert done.returncode == 1
        assert "error[RS502]: the lock is stale: " in done.stderr
        assert "run `rigspec lock`" in done.stderr


def newer_lock(folder: Path) -> Path:
    """A lock of the next format, with a header that only it has."""
    shutil.copytree(_FORMAT_1 / "legacy-cpu", folder)
    file = folder / "lock" / "rig.lock"
    body = file.read_text("utf-8").partition("version = 1\n")[2]
    body = f"version = {VERSION + 1}\n{body}"
    digest = hashlib.sha256(body.encode()).hexdigest()
    file.write_text(f'# A lock.\ncontent_digest = "{digest}"\n{body}', "utf-8")
    return folder / "lock"


def test_newer_lock_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NewerLock) as refused:
        read_lock(newer_lock(tmp_path / "rig"))
    assert refused.value.diagnostic.code == "RS508"
    assert refused.value.diagnostic.help == ("update rigspec",)


@pytest.mark.parametrize("command", ["lock", "lock --check", "compile --target shell"])
def test_newer_lock_is_not_replaced(command: str, rigspec: Rigspec, tmp_path: Path) -> None:
    lock = newer_lock(tmp_path / "rig")
    before = read_tree(lock)
    option = "--lock" if command.startswith("compile") else "-o"
    words = [*command.split(), option, lock]
    done = rigspec(words[0], tmp_path / "rig" / "rig.toml", *words[1:], cwd=tmp_path)
    assert done.returncode == 1
    assert f"rig.lock has format {VERSION + 1}, but this release of rigspec reads" in done.stderr
    assert "help: update rigspec" in done.stderr
    assert "version control" not in done.stderr
    assert read_tree(lock) == before
    assert not (tmp_path / "out").exists()
