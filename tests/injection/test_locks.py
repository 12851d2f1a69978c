"""A lock that somebody wrote by hand, with sums that fit: refused, or no more than text."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import tomli
import tomlkit

from rigspec.lock.lockfile import CorruptLock, read_lock
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
