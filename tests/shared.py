"""What is made once for all processes of a test run."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

__all__ = ["build_wheel", "make_once"]

_ROOT = Path(__file__).resolve().parent.parent
_BUILD_INPUTS = ("pyproject.toml", "README.md", "LICENSE", "rigspec", "backends")
_JUNK = shutil.ignore_patterns("__pycache__", "*.egg-info")


def make_once(shared: Path, name: str, make: Callable[[Path], None]) -> Path:
    """Return the folder `name`, which the first process that needs it makes.

    Args:
        shared: the temporary folder of all processes of the test run.
        name: the name of the folder, and of its lock.
        make: fills an empty folder. If it fails, the next process tries again.
    """
    folder = shared / name
    with FileLock(shared / f"{name}.lock"):
        if not folder.exists():
            partial = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=shared))
            make(partial)
            partial.rename(folder)
    return folder


def build_wheel(folder: Path) -> None:
    """Build the wheel from a copy so that no build folder is left in the checkout."""
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary)
        for name in _BUILD_INPUTS:
            if (_ROOT / name).is_dir():
                shutil.copytree(_ROOT / name, source / name, ignore=_JUNK)
            else:
                shutil.copy(_ROOT / name, source / name)
        uv = str(Path(sys.executable).with_name("uv"))
        command = [uv, "build", "--quiet", "--wheel", "--out-dir", str(folder), str(source)]
        subprocess.run(command, check=True)
