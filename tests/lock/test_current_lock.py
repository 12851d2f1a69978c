"""A lock of the same spec and matrix is compiled without resolving the rig again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rigspec.backend.provenance import PROVENANCE
from rigspec.cli.common import lockfile
from rigspec.fs.atomic_tree import MANIFEST, read_tree, write_tree_atomically
from rigspec.lock.lockfile import lock_files, read_lock
from rigspec.matrix.loader import compute_matrix_digest, load_matrix
from tests.conftest import ROOT

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
SPEC = ROOT / "specs" / "legacy-cpu.toml"


@pytest.fixture
def current(tmp_path: Path) -> Path:
    """The committed lock of a rig, as of today's matrix."""
    folder = tmp_path / "lock"
    lock, _ = read_lock(ROOT / "lockfiles" / SPEC.stem)
    write_tree_atomically(folder, lock_files(replace(lock, matrix_digest=compute_matrix_digest())))
    return folder


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The machines that are resolved, as they are."""
    names: list[str | None] = []
    resolve = lockfile.resolve_or_exit

    def record(*arguments: object, **options: object) -> object:
        names.append(arguments[1])  # type: ignore[arg-type]
        return resolve(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(lockfile, "resolve_or_exit", record)
    return names


def test_matrix_digest_without_parsing_is_that_of_the_matrix() -> None:
    assert compute_matrix_digest() == load_matrix().digest


def test_compile_with_current_lock_does_not_resolve(
    rigspec: Rigspec, current: Path, resolved: list[str | None], tmp_path: Path
) -> None:
    options = ("compile", SPEC, "--target", "shell", "--locked", "--lock")
    assert rigspec(*options, current, "-o", tmp_path / "fast").returncode == 0
    assert resolved == []
    (tmp_path / "old").mkdir()
    lock, _ = read_lock(current)
    write_tree_atomically(tmp_path / "old", lock_files(replace(lock, matrix_digest="0" * 64)))
    assert rigspec(*options, tmp_path / "old", "-o", tmp_path / "full").returncode == 0
    assert resolved != []
    # The plan names the digest of its lock, which differs; the provenance names more of it.
    assert _lines(tmp_path / "fast", current) == _lines(tmp_path / "full", tmp_path / "old")


def test_compile_with_changed_spec_resolves(
    rigspec: Rigspec, current: Path, resolved: list[str | None], tmp_path: Path
) -> None:
    spec = tmp_path / SPEC.name
    text = SPEC.read_text(encoding="utf-8")
    spec.write_text(f'{text}\n[env.further]\npython = "3.6"\n', encoding="utf-8")
    done = rigspec("compile", spec, "--target", "shell", "--lock", current, "-o", tmp_path / "out")
    assert done.returncode == 1
    assert "RS502" in done.stderr
    assert resolved != []


def _lines(folder: Path, lock: Path) -> dict[str, list[bytes]]:
    digest = read_lock(lock)[1].encode()
    return {
        file.path: file.content.replace(digest, b"DIGEST").splitlines()
        for file in read_tree(folder)
        if file.path not in (MANIFEST, PROVENANCE)
    }
