"""Check compiled files with other programs.

Targets and rigs have files in common, and shellcheck takes seconds for an installer. So a check
that reads one file only runs once for each content.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["check_files", "check_once"]

# Other programs also read the files next to the one that they check.
_READ_ONE_FILE = frozenset({"bash", "dash", "hadolint", "shellcheck"})


def check_once(passed: Path, command: Sequence[str], file: Path) -> None:
    """Assert that a command succeeds on a file, unless it did on an equal file.

    Args:
        passed: a folder with an empty file for each check that succeeded.
        command: the program and its arguments, in which `{}` is the file.
        file: the file to check.
    """
    key = hashlib.sha256("\0".join((*command, file.name)).encode() + file.read_bytes())
    mark = passed / key.hexdigest()
    if command[0] in _READ_ONE_FILE and mark.exists():
        return
    check_files(command, [file])
    passed.mkdir(exist_ok=True)
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
