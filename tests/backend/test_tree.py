"""Trees are swapped in: a kill leaves the old one or the new one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rigspec.fs import atomic_tree
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
            [sys.executable, "-S", "-c", WRITER, str(target)], stdout=subprocess.PIPE, cwd=ROOT
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
def test_compile_killed_leaves_old_or_new_tree(
    command: str, small_rig: Path, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    arguments = {
        "compile": ["compile", str(small_rig), "--target", "all", "-o", str(target)],
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


def compile_at_once(
    spec: Path, *outputs: tuple[str, str]
) -> list[subprocess.CompletedProcess[str]]:
    """Compile targets into folders, all at the same time."""
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "rigspec", "compile", spec, "--target", target, "-o", folder],
            cwd=spec.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        for target, folder in outputs
    ]
    ended = [(process, *process.communicate()) for process in running]
    return [subprocess.CompletedProcess(p.args, p.returncode, out, err) for p, out, err in ended]


@pytest.fixture
def small_rig(tmp_path: Path, rigspec: Callable[..., Any]) -> Path:
    spec = tmp_path / "rig.toml"
    spec.write_text('rig = 1\nname = "small"\n[machine.box]\nos = "debian 12"\n', encoding="utf-8")
    done = rigspec("lock", str(spec), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    return spec


def test_targets_compiled_at_once_into_one_folder_are_all_there(small_rig: Path) -> None:
    targets = ["bashrc", "docker", "shell", "cloud-init", "ansible"]

    for done in compile_at_once(small_rig, *((target, "out") for target in targets)):
        assert done.returncode == 0, done.stderr

    found = {path.name for path in (small_rig.parent / "out").iterdir()}
    assert found >= set(targets)
    assert sorted(p.name for p in small_rig.parent.iterdir() if "rigspec-" in p.name) == []


def test_folder_with_a_pattern_as_its_name_leaves_other_folders(small_rig: Path) -> None:
    leftover = small_rig.parent / ".out1.rigspec-other"
    leftover.mkdir()

    (done,) = compile_at_once(small_rig, ("docker", "out[1]"))

    assert done.returncode == 0, done.stderr
    assert leftover.is_dir()
    assert (small_rig.parent / "out[1]" / "docker").is_dir()


def test_file_left_by_killed_run_is_removed(small_rig: Path) -> None:
    leftover = small_rig.parent / ".out.rigspec-killed"
    leftover.write_text("part of a file", encoding="utf-8")

    (done,) = compile_at_once(small_rig, ("docker", "out"))

    assert done.returncode == 0, done.stderr
    assert not leftover.exists()


def test_edited_file_of_compiled_target_is_not_replaced(small_rig: Path) -> None:
    compile_at_once(small_rig, ("docker", "out"))
    edited = small_rig.parent / "out" / "docker" / "Dockerfile"
    edited.write_text(edited.read_text(encoding="utf-8") + "# mine\n", encoding="utf-8")

    (done,) = compile_at_once(small_rig, ("docker", "out"))

    assert done.returncode == 2
    assert "contains files that were edited: docker/Dockerfile" in done.stderr
    assert edited.read_text(encoding="utf-8").endswith("# mine\n")
    (other,) = compile_at_once(small_rig, ("bashrc", "out"))
    assert other.returncode == 0, other.stderr
    assert edited.read_text(encoding="utf-8").endswith("# mine\n")


def test_tree_on_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, file: OutputFile) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_tree, "_write", fail)

    with pytest.raises(TreeError, match="No space left"):
        write_tree_atomically(tmp_path / "tree", [OutputFile("a", b"a", 0o644)])

    assert os.listdir(tmp_path) == []
