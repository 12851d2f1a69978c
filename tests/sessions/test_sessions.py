"""Whole sessions of a new user, command by command, as recorded in first_use/.

A recording starts with the files of the folder (`--- NAME`), and continues with commands and what
they print, standard output before errors. A status other than 0 is in brackets. `…` replaces any
text, alone any lines. `pytest --update-golden` writes the outputs anew, in full.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.documents import matches

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
RECORDINGS = sorted((ROOT / "tests/sessions/first_use").glob("*.txt"))
MOMENTS = 30


@dataclass(frozen=True)
class Step:
    command: str
    output: str


def _read(path: Path) -> tuple[str, dict[str, str], list[Step]]:
    """Return the title, the files and the steps of a recording."""
    heading, *commands = re.split(r"(?m)^\$ ", path.read_text(encoding="utf-8"))
    title, *files = re.split(r"(?m)^--- ", heading)
    contents = dict(part.split("\n", 1) for part in files)
    steps = []
    for part in commands:
        command, _, output = part.partition("\n")
        steps.append(Step(command, output))
    return title, contents, steps


def _run(step: Step, folder: Path, rigspec: Rigspec) -> str:
    """Return what the command prints, with its status."""
    command, _, stdin = step.command.partition(" < ")
    program, *words = shlex.split(command)
    if program == "cd":
        raise ValueError("a session stays in its folder")
    assert program == "rigspec"
    text = (folder / stdin).read_text(encoding="utf-8") if stdin else ""
    done = rigspec(*words, cwd=folder, input=text)
    status = f"[exit {done.returncode}]\n" if done.returncode else ""
    return f"{done.stdout}{done.stderr}{status}"


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_session_prints_what_was_recorded(
    path: Path, rigspec: Rigspec, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    title, files, steps = _read(path)
    for name, content in files.items():
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if content.startswith("= "):
            source = ROOT / content[2:].strip()
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        else:
            target.write_text(content, encoding="utf-8")
    outputs = [_run(step, tmp_path, rigspec) for step in steps]
    if request.config.getoption("--update-golden"):
        path.write_text(_write(title, files, steps, outputs), encoding="utf-8")
        return
    for step, output in zip(steps, outputs, strict=True):
        assert matches(step.output, output), f"$ {step.command}\n{output}"


def _write(title: str, files: dict[str, str], steps: list[Step], outputs: list[str]) -> str:
    """Return the recording; an output that matches keeps its omissions."""
    parts = [title, *(f"--- {name}\n{content}" for name, content in files.items())]
    for step, output in zip(steps, outputs, strict=True):
        kept = step.output if matches(step.output, output) else output
        parts.append(f"$ {step.command}\n{kept}")
    return "".join(parts)


def test_every_moment_has_a_session() -> None:
    numbers = {int(path.stem.partition("-")[0]) for path in RECORDINGS}
    assert numbers == set(range(1, MOMENTS + 1))
