"""Locks of the rigs in specs/ that have no committed lock."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

__all__ = ["Once", "Rigspec", "lock_rig"]

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
Once = Callable[[str, Callable[[Path], None]], Path]


def lock_rig(spec: Path, rigspec: Rigspec, once: Once) -> Path:
    """Return the folder of a lock that is made once in a test run."""

    def lock(folder: Path) -> None:
        done = rigspec("lock", spec, "-o", folder / "lock")
        assert done.returncode == 0, done.stderr

    return once(f"lock-{spec.stem}", lock) / "lock"
