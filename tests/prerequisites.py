"""What the tests need of the machine, and a sentence for each thing that is missing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

_NAMESPACES = ("unshare", "--mount", "--net", "--pid", "--fork", "true")
_MOUNTED = ("/proc/self", "/sys/kernel", "/dev/pts", "/dev/shm")


@cache
def missing_prerequisites() -> tuple[str, ...]:
    """Return a sentence for each thing that tests need and this machine lacks."""
    missing = []
    if os.geteuid() != 0:
        missing.append("root: the tests make systems in folders and mount them")
    if refusal := _refusal(_NAMESPACES):
        missing.append(
            f"namespaces ({refusal}): in a chroot, mount the root on itself before entering it: "
            "`mount --bind ROOT ROOT`; in a container, allow CAP_SYS_ADMIN"
        )
    missing += [f"{path}: mount its file system" for path in _MOUNTED if not Path(path).exists()]
    return tuple(missing)


def _refusal(command: Sequence[str]) -> str:
    """Return the error of a command, empty if it succeeds."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        return str(error)
    return (done.stderr.strip() or f"exit {done.returncode}") if done.returncode else ""
