"""The plan in an installer, read as the installer reads it."""

from __future__ import annotations

import shlex

__all__ = ["list_held_packages", "read_steps"]


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
