"""Trees are swapped in: a kill leaves the old one or the new one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rigspec.fs.atomic_tree import MANIFEST, OutputFile, TreeError, read_tree, write_tree_atomically
from tests.conftest import ROOT

WRITER = """
import sys
from pathlib import Path
from rigspec.fs.atomic_tree import OutputFile, write_tree_atomically
turn = 0
while True:
    turn += 1
    mark = b"%d" % turn
    files = [OutputFile(f"folder/{n}", mark * 2000, 0o644) for n in range(12)]
    write_tree_atomically(Path(sys.argv[1]), files)
    print(turn, flush=True)
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_write_tree_killed_fifty_times_leaves_complete_trees(tmp_path: Path) -> None:
    target = tmp_path / "tree"
    chance = random.Random(7)
    for _ in range(50):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(target)], stdout=subprocess.PIPE, cwd=ROOT
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(chance.random() * 0.02)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        found = contents(target)
        assert len(found) == 13
        assert len({data for name, data in found.items() if name != MANIFEST}) == 1
        done = subprocess.run(
            ["sha256sum", "--check", "--quiet", MANIFEST], cwd=target, check=False
        )
        assert done.returncode == 0
    write_tree_atomically(target, [OutputFile("a", b"a", 0o644)])
    assert os.listdir(tmp_path) == ["tree"]


@pytest.mark.parametrize(
    "command", ["compile", pytest.param("lock", marks=pytest.mark.e2e(minutes=1))]
)
def test_compile_killed_leaves_old_or_new_tree(command: str, tmp_path: Path) -> None:
    target = tmp_path / "out"
    arguments = {
        "compile": ["compile", "specs/dl-server.toml", "--target", "all", "-o", str(target)],
        "lock": ["lock", "specs/legacy-cpu.toml", "-o", str(target)],
    }[command]
    run = [sys.executable, "-m", "rigspec", *arguments]
    whole = subprocess.run(run, cwd=ROOT, capture_output=True, check=False)
    assert whole.returncode == 0, whole.stderr
    before = contents(target)
    begun = time.monotonic()
    subprocess.run(run, cwd=ROOT, capture_output=True, check=True)
    took = time.monotonic() - begun
    for part in range(1, 11 if command == "compile" else 5):
        process = subprocess.Popen(
            run, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(took * part / 10)
        process.kill()
        process.wait()
        assert contents(target) == before


def test_write_tree_modes_ignore_umask(tmp_path: Path) -> None:
    old = os.umask(0o077)
    try:
        write_tree_atomically(
            tmp_path / "t", [OutputFile("bin/run", b"", 0o755), OutputFile("x", b"", 0o644)]
        )
    finally:
        os.umask(old)
    assert (tmp_path / "t/bin/run").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "t/x").stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "t/bin").stat().st_mode & 0o777 == 0o755


def test_write_tree_foreign_file_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "t"
    write_tree_atomically(target, [OutputFile("x", b"1", 0o644)])
    (target / "mine").write_text("precious")
    with pytest.raises(TreeError, match="contains mine, which rigspec did not write"):
        write_tree_atomically(target, [OutputFile("x", b"2", 0o644)])
    assert (target / "x").read_bytes() == b"1"


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", ""])
def test_write_tree_path_outside_root_is_refused(path: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leaves the tree"):
        write_tree_atomically(tmp_path / "t", [OutputFile(path, b"", 0o644)])
    assert os.listdir(tmp_path) == []


def test_read_tree_manifest_path_outside_root_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("mine", encoding="utf-8")
    tree = tmp_path / "tree"
    tree.mkdir()
    lines = [f"{'0' * 64}  {path}\n" for path in ("../secret", str(tmp_path / "secret"))]
    (tree / MANIFEST).write_text("".join(lines), encoding="utf-8")
    assert read_tree(tree) == ()
