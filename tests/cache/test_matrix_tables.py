"""The cache of matrix tables: valid for one content and one code, and never needed."""

import sys
from pathlib import Path
from typing import Any

import pytest

from rigspec.cache import matrix_tables
from rigspec.cache.matrix_tables import load_objects

TABLE = b'product = "torch"\n'


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Cache in ``tmp_path``; return the tables from which objects have been built."""
    monkeypatch.setattr(matrix_tables, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return []


def load(builds: list[dict[str, Any]], data: bytes = TABLE, code: int = 1) -> tuple[str]:
    def build(table: dict[str, Any]) -> tuple[str]:
        builds.append(table)
        return (table["product"],)

    return load_objects("torch", data, code, build)


def test_load_objects_second_time_reads_the_cache(builds: list[dict[str, Any]]) -> None:
    assert load(builds) == load(builds) == ("torch",)
    assert len(builds) == 1


@pytest.mark.parametrize("change", [{"data": TABLE + b"x = 1\n"}, {"code": 2}])
def test_load_objects_after_a_change_builds_again(
    change: dict[str, Any], builds: list[dict[str, Any]]
) -> None:
    load(builds)
    load(builds, **change)
    assert len(builds) == 2


@pytest.mark.parametrize("content", [b"", b"\x80", b"cos\nmissing\n."])
def test_load_objects_with_a_damaged_file_builds_again(
    content: bytes, builds: list[dict[str, Any]], tmp_path: Path
) -> None:
    load(builds)
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    assert load(builds) == ("torch",)
    assert len(builds) == 2


def test_load_objects_in_a_read_only_folder_builds_each_time(
    builds: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrix_tables, "FOLDER", tmp_path / "missing")
    assert load(builds) == load(builds) == ("torch",)
    assert len(builds) == 2
