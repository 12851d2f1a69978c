"""The smallest rig that has a base image."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]


def written(folder: Path, base: str | None, mirror: str | None = None, more: str = "") -> Path:
    text = 'rig = 1\nname = "tiny"\n[machine.box]\nos = "debian 11"\n'
    text += f'[container]\nbase = "{base}"\n' if base is not None else ""
    text += f'[mirrors]\nimages = "{mirror}"\n' if mirror is not None else ""
    spec = folder / "rig.toml"
    spec.write_text(text + more, encoding="utf-8")
    return spec


def lock_text(folder: Path) -> str:
    return (folder / "lock" / "rig.lock").read_text(encoding="utf-8")
