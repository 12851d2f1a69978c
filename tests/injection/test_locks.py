"""A lock that somebody wrote by hand, with sums that fit: refused, or no more than text."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tomli
import tomlkit

from rigspec.diagnostics.model import Severity, Span
from rigspec.fs.atomic_tree import write_tree_atomically
from rigspec.lock.lockfile import CorruptLock, lock_files, read_lock
from rigspec.lock.migration import VERSION
from rigspec.lock.model import (
    LockedBuild,
    LockedChannelPackage,
    LockedConda,
    LockedPythonPackage,
)
from tests.conftest import ROOT
from tests.injection.texts import HOSTILE

LOCK = ROOT / "lockfiles" / "legacy-cpu"
# What a lock may never hold, in any of its strings.
REFUSED = [name for name, text in HOSTILE.items() if any(ord(c) < 32 for c in text)]


def forged(folder: Path, change: Any) -> Path:
    """The committed lock with a change in it, and the sum that fits."""
    for file in LOCK.rglob("*"):
        if file.is_file() and file.name not in ("rig.lock", "MANIFEST.sha256"):
            target = folder / file.relative_to(LOCK)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    header, _, rest = (LOCK / "rig.lock").read_text(encoding="utf-8").partition("\n")
    content = tomli.loads(rest)
    del content["content_sha256"]
    change(content)
    body = tomlkit.dumps(content)
    digest = hashlib.sha256(body.encode()).hexdigest()
    text = f'{header}\ncontent_sha256 = "{digest}"\n{body}'
    (folder / "rig.lock").write_text(text, encoding="utf-8", newline="")
    return folder


def test_lock_with_other_order_and_checksum_is_valid(tmp_path: Path) -> None:
    lock, _ = read_lock(forged(tmp_path, lambda content: None))
    assert lock == read_lock(LOCK)[0]


@pytest.mark.parametrize("name", REFUSED)
def test_lock_control_character_is_refused(name: str, tmp_path: Path) -> None:
    def version(content: Any) -> None:
        content["machines"][0]["packages"][0]["version"] = HOSTILE[name]

    with pytest.raises(CorruptLock):
        read_lock(forged(tmp_path, version))


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../outside"])
def test_lock_file_path_outside_folder_is_refused(path: str, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("x", encoding="utf-8")

    def companion(content: Any) -> None:
        content["machines"][0]["envs"][0]["tools"]["file"] = path

    with pytest.raises(CorruptLock, match="leads out"):
        read_lock(forged(tmp_path / "lock", companion))


@pytest.mark.parametrize("text", ["../../x", "a/b", "..", "-x", "", "a b", "$(x)", "x;y"])
def test_lock_name_used_as_file_is_validated(text: str, tmp_path: Path) -> None:
    def env(content: Any) -> None:
        content["machines"][0]["envs"][0]["name"] = text

    with pytest.raises(CorruptLock):
        read_lock(forged(tmp_path, env))


@pytest.mark.parametrize("text", ["../../x", "a/b", "..", "-x", "sudo-", "a b", "$(x)", "x;y"])
def test_lock_package_name_is_validated(text: str, tmp_path: Path) -> None:
    def package(content: Any) -> None:
        content["machines"][0]["packages"][0]["name"] = text

    with pytest.raises(CorruptLock):
        read_lock(forged(tmp_path, package))


@pytest.mark.parametrize(
    "text", ["", "a=1", "A", "A=b c", "A=$(x)", "A=1;x", "LD_PRELOAD=/x.so", "1=1", "A=1\n"]
)
def test_lock_build_variable_that_is_code_is_refused(text: str, tmp_path: Path) -> None:
    def variable(content: Any) -> None:
        content["machines"][0]["envs"][0]["build_variables"] = [text]

    with pytest.raises(CorruptLock):
        read_lock(forged(tmp_path, variable))


@pytest.mark.parametrize("key", ["settings", "files"])
def test_lock_path_of_settings_outside_folder_is_refused(key: str, tmp_path: Path) -> None:
    def path(content: Any) -> None:
        machine = content["machines"][0]
        if key == "settings":
            machine["envs"][0]["settings"] = [{"program": "x", "path": "../x", "form": "json"}]
        else:
            file = {"name": "a/b", "url": "https://example.org/a", "sha256": "0" * 64}
            machine["files"] = [{**file, "source": "spec"}]

    with pytest.raises(CorruptLock, match="leads out"):
        read_lock(forged(tmp_path, path))


@pytest.mark.parametrize("name", ["../box", "Box", "a" * 33, ""])
def test_lock_machine_name_is_validated(name: str, tmp_path: Path) -> None:
    def machine(content: Any) -> None:
        content["machines"][0]["resolution"]["machine"] = name

    with pytest.raises(CorruptLock, match="names something"):
        read_lock(forged(tmp_path, machine))


def test_lock_of_unknown_format_is_refused(tmp_path: Path) -> None:
    for version in (10**10, 0, -1, "1"):
        with pytest.raises(CorruptLock, match="is not a lock"):
            read_lock(forged(tmp_path, lambda content, v=version: content.update(version=v)))


def test_lock_without_machines_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorruptLock, match="is not a lock"):
        read_lock(forged(tmp_path, lambda content: content.update(machines=1)))


def test_lock_with_unreadable_file_is_refused(tmp_path: Path) -> None:
    folder = forged(tmp_path / "companion", lambda content: None)
    (companion,) = folder.rglob("*.requirements.txt")
    companion.unlink()
    with pytest.raises(CorruptLock, match=r"requirements\.txt cannot be read: No such file"):
        read_lock(folder)
    (tmp_path / "folder" / "rig.lock").mkdir(parents=True)
    with pytest.raises(CorruptLock, match="cannot be read: Is a directory"):
        read_lock(tmp_path / "folder")


def test_lock_error_is_at_the_begin_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "rig.lock"
    file.write_bytes((LOCK / "rig.lock").read_bytes()[:-1])
    with pytest.raises(CorruptLock) as refused:
        read_lock(tmp_path)
    found = refused.value.diagnostic
    assert found.spans == (Span(str(file), 1, 1, 1, 2),)
    assert (found.code, found.severity) == ("RS503", Severity.ERROR)
    assert "restore it" in found.help[0]


def test_lock_with_windows_line_ends_names_the_cause(tmp_path: Path) -> None:
    data = (LOCK / "rig.lock").read_bytes()
    (tmp_path / "rig.lock").write_bytes(data.replace(b"\n", b"\r\n"))
    with pytest.raises(CorruptLock, match="Windows line ends"):
        read_lock(tmp_path)


def test_lock_of_conda_packages_and_sources_is_read_back(tmp_path: Path) -> None:
    lock, _ = read_lock(LOCK)
    address = "https://conda.anaconda.org/conda-forge/linux-64/six-1.16.0-py_0.conda"
    conda = LockedConda(
        "linux-64", (LockedChannelPackage("six", "1.16.0", "py_0", address, "0" * 32),)
    )
    source = LockedPythonPackage("six", "1.16.0", ("0" * 64,), from_source=True)
    machine = lock.machines[0]
    env = replace(machine.envs[0], conda=conda, packages=(source,))
    env = replace(env, build_needs=("compilers",), build_variables=("MAX_JOBS=4", "X_1="))
    lock = replace(lock, machines=(replace(machine, envs=(env,)),))
    write_tree_atomically(tmp_path / "lock", lock_files(lock))
    assert read_lock(tmp_path / "lock")[0] == lock


def test_lock_of_separate_builds_is_read_back(tmp_path: Path) -> None:
    lock, _ = read_lock(LOCK)
    machine = lock.machines[0]
    builds = tuple(
        LockedBuild((name,), (LockedPythonPackage("setuptools", version, (digit * 64,)),))
        for name, version, digit in (("six", "58.0.0", "1"), ("future", "70.1.0", "2"))
    )
    env = replace(machine.envs[0], builds=builds)
    lock = replace(lock, machines=(replace(machine, envs=(env,)),))
    write_tree_atomically(tmp_path / "lock", lock_files(lock))
    assert read_lock(tmp_path / "lock")[0] == lock


def test_lock_files_are_readable_by_all_and_begin_with_the_format() -> None:
    files = lock_files(read_lock(LOCK)[0])
    assert {file.mode for file in files} == {0o644}
    lines = files[0].content.decode().splitlines()
    assert lines[1].startswith("content_sha256 = ")
    # Format 4 is for environments with separate builds.
    assert lines[2] == f"version = {VERSION - 1}"
