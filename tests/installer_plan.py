"""The plan in an installer, read as the installer reads it."""

from __future__ import annotations

import hashlib
import re
import shlex
from pathlib import Path

__all__ = ["adopt_changed_files", "list_held_packages", "read_steps"]


def read_steps(installer: str) -> dict[str, list[str]]:
    """Return the words of each step after its ID, by ID."""
    body = installer.partition("\nload_plan() {\n")[2].partition("\n}\n")[0]
    words = shlex.split(body.replace(" \\\n", " ").replace("\n  step ", "\n  ;step "))
    steps: dict[str, list[str]] = {}
    current: list[str] = []
    for word in words:
        if word in ("step", ";step"):
            current = []
        elif not current:
            current = steps.setdefault(word, [word])
        else:
            current.append(word)
    return {name: found[1:] for name, found in steps.items()}


def list_held_packages(installer: str) -> list[list[str]]:
    """Return the packages that each step holds: the words after the second separator."""
    held = [words for words in read_steps(installer).values() if words.count("--") == 2]
    return [words[len(words) - words[::-1].index("--") :] for words in held]


def adopt_changed_files(folder: Path) -> None:
    """Write the digest of the files next to an installer into it, as if it had these files."""
    installer = folder / "install.sh"
    script = installer.read_text(encoding="utf-8")
    (digest,) = re.findall(r"lock_files ([0-9a-f]{64})", script)
    names = re.findall(r"[^\s\\]+", script.partition(digest)[2].partition("\n}\n")[0])
    lines = (f"{_hash(folder / 'files' / name)}  {name}\n" for name in names)
    other = hashlib.sha256("".join(lines).encode()).hexdigest()
    installer.write_text(script.replace(digest, other), encoding="utf-8")


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
