"""An interpreter of a certain series on this machine, for the engine that needs one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

__all__ = ["find_interpreter"]


def find_interpreter(series: tuple[int, int]) -> Path | None:
    """The newest one that pyenv has, else the one on PATH; None where there is none."""
    name = "{}.{}".format(*series)
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    patches = (_patch(folder.name, name) for folder in root.glob(f"versions/{name}.*"))
    for patch in sorted((patch for patch in patches if patch is not None), reverse=True):
        python = root / "versions" / f"{name}.{patch}" / "bin" / "python"
        if os.access(python, os.X_OK):
            return python
    # A shim of pyenv is found for every version and runs for the chosen one only.
    found = shutil.which(f"python{name}")
    return Path(found) if found is not None and "shims" not in Path(found).parts else None


def _patch(version: str, series: str) -> int | None:
    patch = version.removeprefix(f"{series}.")
    return int(patch) if patch.isdigit() else None
