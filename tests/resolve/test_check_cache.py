"""An unchanged spec is answered from the cache, in the same words; a changed one is checked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.cache import store
from tests.conftest import ROOT

SPECS = ("dl-server", "dl-server-as-written", "legacy-cpu")


@pytest.fixture
def cached(
    rigspec: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> Callable[..., subprocess.CompletedProcess[str]]:
    environment = {k: v for k, v in os.environ.items() if k != "RIGSPEC_NO_CACHE"}
    environment["XDG_CACHE_HOME"] = str(tmp_path / "cache")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return rigspec(*arguments, env=environment)

    return run


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("form", ["text", "json", "github"])
def test_check_cached_result_equals_first(
    name: str, form: str, cached: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    command = ("check", f"specs/{name}.toml", "--format", form)
    fresh, first, second = cached(*command, "--no-cache"), cached(*command), cached(*command)
    for other in (first, second):
        assert (other.returncode, other.stdout, other.stderr) == (
            fresh.returncode,
            fresh.stdout,
            fresh.stderr,
        )


def test_check_changed_spec_is_resolved_again(
    tmp_path: Path, cached: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    spec = tmp_path / "rig.toml"
    shutil.copyfile(ROOT / "specs" / "dl-server.toml", spec)
    assert cached("check", str(spec)).returncode == 0
    spec.write_text(spec.read_text().replace('toolkit = "9.0"', 'toolkit = "9.1"'))
    assert cached("check", str(spec)).returncode == 1


def test_check_damaged_cache_is_ignored(
    tmp_path: Path, cached: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    command = ("check", "specs/dl-server.toml", "--format", "json")
    first = cached(*command)
    (kept,) = (tmp_path / "cache" / "rigspec" / "check").iterdir()
    kept.write_bytes(kept.read_bytes().replace(b"9.0.176", b"9.0.177"))
    assert json.loads(cached(*command).stdout) == json.loads(first.stdout)


def test_store_with_many_entries_removes_the_oldest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_MAX_ENTRIES", 5)
    monkeypatch.setattr(store, "_KEPT_ENTRIES", 2)
    for number in range(7):
        file = tmp_path / f"{number}.json"
        store.store_entry(file, "{}")
        os.utime(file, (number, number))

    store.store_entry(tmp_path / "new.json", "{}")

    assert sorted(os.listdir(tmp_path))[-1] == "new.json"
    assert len(os.listdir(tmp_path)) <= 5
    assert not (tmp_path / "0.json").exists()
