"""Changed bytes of locks, and kills of commands and of the installer."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from bisect import bisect_right
from itertools import accumulate
from pathlib import Path

from rigspec.lock.lockfile import CorruptLock, read_lock
from tests.backend.test_tree import contents
from tests.conftest import ROOT
from tests.execution.test_killed import STEPS, check_recovery, record_undisturbed
from tests.figures.measurement import Result
from tests.lock.signed_archive import Keys
from tests.lock.tiny_rig import written

__all__ = ["LOCKED_BYTES", "change_lock_bytes", "kill_commands", "kill_installer"]

_LOCKS = sorted(file.parent for file in (ROOT / "lockfiles").glob("*/rig.lock"))
_FILES = [file for lock in _LOCKS for file in sorted(lock.rglob("*")) if file.is_file()]
# The offset of the end of each file among the bytes of all.
_ENDS = list(accumulate(file.stat().st_size for file in _FILES))
LOCKED_BYTES = _ENDS[-1]
# A command spends most of its time before it writes.
_LATE = 0.6


def change_lock_bytes(count: int, chance: random.Random) -> Result:
    """Change one byte of a committed lock; each is refused. Every byte at scale 1."""
    findings = []
    with tempfile.TemporaryDirectory() as folder:
        for number in sorted(chance.sample(range(LOCKED_BYTES), count)):
            file, place = _locate(number)
            lock = next(each for each in _LOCKS if file.is_relative_to(each))
            copy = Path(folder, lock.name)
            if not copy.exists():
                shutil.copytree(lock, copy)
            with (copy / file.relative_to(lock)).open("r+b", buffering=0) as changed:
                data = os.pread(changed.fileno(), 1, place)
                other = bytes([data[0] ^ chance.randrange(1, 256)])
                os.pwrite(changed.fileno(), other, place)
                try:
                    read_lock(copy)
                    findings.append(f"{file.relative_to(ROOT)}: byte {place} is now {other!r}")
                except CorruptLock:
                    pass
                os.pwrite(changed.fileno(), data, place)
    return Result(count, tuple(findings))


def _locate(number: int) -> tuple[Path, int]:
    """Return the file and the offset of a byte of all files in order."""
    index = bisect_right(_ENDS, number)
    return _FILES[index], number - (_ENDS[index - 1] if index else 0)


def kill_commands(
    count: int, chance: random.Random, names: tuple[str, ...] = ("compile", "lock")
) -> Result:
    """Kill `compile` and `lock` at random times: the old tree or the new one is left."""
    findings: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        share = max(1, count // len(names))
        for name in names:
            place = Path(folder, name)
            place.mkdir()
            findings += (f"{name}: {found}" for found in _kill_command(name, place, share, chance))
    return Result(len(names) * share, tuple(findings))


def _kill_command(name: str, folder: Path, count: int, chance: random.Random) -> list[str]:
    target, trees, took = folder / "out", [], 0.0
    for number in (0, 1):
        _write_spec(folder, number)
        _start("lock", folder, folder / f"lock-{number}").communicate()
        begun = time.monotonic()
        process = _start(name, folder, target, number)
        _, errors = process.communicate()
        assert process.returncode == 0, errors
        took = time.monotonic() - begun
        trees.append(contents(target))
    assert trees[0] != trees[1]
    findings = []
    for number in range(count):
        _write_spec(folder, number)
        process = _start(name, folder, target, number)
        time.sleep(took * chance.uniform(_LATE if number % 2 else 0, 1.1))
        process.kill()
        process.communicate()
        if contents(target) not in trees:
            findings.append(f"kill {number} left a partial tree")
    _write_spec(folder, 0)
    process = _start(name, folder, target)
    _, errors = process.communicate()
    if process.returncode or contents(target) != trees[0]:
        findings.append(f"the next run exits with {process.returncode}: {errors.decode()}")
    litter = {each.name for each in folder.iterdir()} - {"rig.toml", "out", "lock-0", "lock-1"}
    return findings + [f"{each} is left" for each in sorted(litter)]


def _start(name: str, folder: Path, output: Path, number: int = 0) -> subprocess.Popen[bytes]:
    """Start a command on the spec; `compile` reads the lock of the spec with this number."""
    options = ["--target", "shell", "--lock", str(folder / f"lock-{number % 2}")]
    command = [sys.executable, "-m", "rigspec", name, str(folder / "rig.toml"), "-o", str(output)]
    return subprocess.Popen(
        [*command, *(options if name == "compile" else [])],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=_environment(),
    )


def _write_spec(folder: Path, number: int) -> None:
    written(folder, None, more=f'[system]\ngroups = ["group-{number % 2}"]\n')


def _environment() -> dict[str, str]:
    """Return an environment in which no server is asked."""
    servers = ("RIGSPEC_APT_DEBIAN", "RIGSPEC_APT_UBUNTU", "RIGSPEC_NVIDIA")
    nowhere = {"RIGSPEC_REGISTRY": "127.0.0.1:9"}
    return {**os.environ, **dict.fromkeys(servers, ""), **nowhere}


def kill_installer(count: int, chance: random.Random) -> Result:
    """Kill the installer at random places of every step: the next run completes as without one."""
    findings = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "k").mkdir()
        (Path(folder) / "undisturbed").mkdir()
        keys = Keys.made(Path(folder) / "k")
        try:
            undisturbed = record_undisturbed(keys, Path(folder) / "undisturbed")
            for number in range(count):
                step, by = STEPS[number % len(STEPS)], chance.choice(("commands", "time"))
                share = round(chance.uniform(0, 0.9), 3)
                trial = Path(folder) / f"trial-{number}"
                trial.mkdir()
                try:
                    check_recovery(undisturbed, trial, step, by, share)
                except AssertionError as error:
                    findings.append(f"{step}, {share} of its {by}: {str(error)[-300:]}")
        finally:
            keys.stop()
    return Result(count, tuple(findings))
