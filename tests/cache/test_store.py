"""The files of a cache: as many as fit, and none that is not complete."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from rigspec.cache import store
from rigspec.cache.store import write_entry
from rigspec.lock.apt import index_cache


def test_store_removes_its_oldest_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_MAX_ENTRIES", 10)
    monkeypatch.setattr(store, "_KEPT_ENTRIES", 5)
    for number in range(25):
        write_entry(tmp_path / str(number), b"x")
        os.utime(tmp_path / str(number), (number, number))
        assert len(list(tmp_path.iterdir())) <= 10
    assert (tmp_path / "24").exists()


def test_cache_on_a_full_disk_has_no_partial_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_half(path: Path, content: bytes) -> int:
        with open(path, "wb") as file:
            file.write(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_half)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("RIGSPEC_NO_CACHE")
    write_entry(tmp_path / "rigspec" / "check" / "a", b"1234")
    index_cache.store_index("ab" * 32, b"1234")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
