"""Planted secrets in everything that a command prints or writes."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.command import run_in_process
from tests.figures.measurement import Result
from tests.secrets.places import KINDS, PLACES
from tests.secrets.planted import PLANTED

__all__ = ["PAIRS", "plant_secrets"]

PAIRS = [(kind, place) for kind in KINDS for place in PLACES]
_FORMATS = ("text", "json", "sarif", "github", "gitlab")
# A part of a secret that is as long as this is a secret.
_PART = 12


def plant_secrets(count: int, chance: random.Random) -> Result:
    """Run every command on files with a secret; search the output and the files written."""
    findings = []
    for kind, place in chance.sample(PAIRS, min(count, len(PAIRS))):
        findings += [f"{kind} as {place}: {found}" for found in _find_printed(kind, place)]
    return Result(min(count, len(PAIRS)), tuple(findings))


def _find_printed(kind: str, place: str) -> Iterator[str]:
    name, template = PLACES[place]
    secret = PLANTED[kind]
    parts = set(secret.replace("/", " ").replace("@", " ").split())
    parts = {part for part in parts if len(part) >= _PART and part != "index.example.org"}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, name).write_text(template.replace("{}", secret), encoding="utf-8")
        for words in _commands(name):
            command = ["python", "-m", "rigspec", *words]
            settings = {"cwd": folder, "env": _environment(folder), "text": True}
            done = run_in_process(command, settings)
            if any(part in done.stdout + done.stderr for part in parts):
                yield f"`{' '.join(words)}` prints it"
            if "Traceback" in done.stderr:
                yield f"`{' '.join(words)}` ends in a traceback"
        for file in Path(folder).rglob("*"):
            if file.is_file() and file.name != name:
                text = file.read_bytes().decode("utf-8", "replace")
                if any(part in text for part in parts):
                    yield f"{file.relative_to(folder)} contains it"


def _commands(name: str) -> Iterator[tuple[str, ...]]:
    for form in _FORMATS:
        yield "check", name, "--format", form
    if name == "rig.toml":
        yield "lock", name
        yield "compile", name, "--target", "all", "-o", "out"
        yield "graph", name
        yield "why", name, "os"
    else:
        yield "import", name


def _environment(folder: str) -> dict[str, str]:
    servers = ("RIGSPEC_APT_DEBIAN", "RIGSPEC_APT_UBUNTU", "RIGSPEC_NVIDIA")
    index = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "UV_INDEX_URL": "http://127.0.0.1:9/simple",
    }
    cache = {"XDG_CACHE_HOME": f"{folder}/cache", "HOME": folder}
    return {**os.environ, **dict.fromkeys(servers, ""), **index, **cache}
