"""Check compiled files with other programs.

Targets and rigs have files in common, and shellcheck takes seconds for an installer. So a check
that reads one file only runs once for each content.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["check_files", "check_once", "check_shell_once"]

# Other programs also read the files next to the one that they check.
_READ_ONE_FILE = frozenset({"bash", "dash", "hadolint", "shellcheck"})

# A function of a script, except those that are the data of a rig: no flow of control is in them.
_FUNCTION = re.compile(
    rb"^(?!(?:load_plan|run_checks|list_lock_files)\b)\w+\(\) \{.*?^\}$", re.MULTILINE | re.DOTALL
)


def check_once(passed: Path, command: Sequence[str], file: Path) -> None:
    """Assert that a command succeeds on a file, unless it did on an equal file.

    Args:
        passed: a folder with an empty file for each check that succeeded.
        command: the program and its arguments, in which `{}` is the file.
        file: the file to check.
    """
    mark = _find_mark(passed, command, file)
    if command[0] in _READ_ONE_FILE and mark.exists():
        return
    check_files(command, [file])
    passed.mkdir(exist_ok=True)
    mark.touch()


def _find_mark(passed: Path, command: Sequence[str], file: Path) -> Path:
    """Return the place of the mark that a command succeeded on an equal file."""
    key = hashlib.sha256("\0".join((*command, file.name)).encode() + file.read_bytes())
    return passed / key.hexdigest()


def check_shell_once(passed: Path, options: Sequence[str], file: Path) -> None:
    """Assert that shellcheck accepts a script, unless it accepted an equal one.

    Analysis of the flow of control takes as long as all other checks. Installers have functions in
    common: it is left out of a script whose every function was analyzed in another one.
    """
    functions = _FUNCTION.findall(file.read_bytes())
    marks = [passed / hashlib.sha256(each).hexdigest() for each in functions]
    command = ["shellcheck", *options, "{}"]
    known = bool(marks) and all(mark.exists() for mark in marks)
    if known and not _find_mark(passed, command, file).exists():
        command.insert(1, "--extended-analysis=false")
    check_once(passed, command, file)
    for mark in marks:
        mark.touch()


def check_files(command: Sequence[str], files: Sequence[Path]) -> None:
    """Assert that a command, in which `{}` is the files, succeeds."""
    words = [word for each in command for word in (map(str, files) if each == "{}" else (each,))]
    done = subprocess.run(
        [_find(words[0]), *words[1:]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _find(program: str) -> str:
    folder = Path(sys.executable).parent
    found = shutil.which(program, path=f"{folder}:{os.environ['PATH']}")
    assert found, f"{program} is not installed"
    return found
