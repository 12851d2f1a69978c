"""Strings with a canary in artifacts, drawings and reports."""

from __future__ import annotations

import copy
import os
import random
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from rigspec.spec.loader import InvalidSpec
from rigspec.spec.models.rig import Rig
from tests.command import run_in_process
from tests.figures.measurement import Result
from tests.injection.artifacts import artifacts, read_rig
from tests.injection.fields import text_fields
from tests.injection.readers import DOCUMENTS, read_targets
from tests.injection.rigs import PLAIN, RIGS
from tests.injection.services import (
    read_keys,
    read_layouts,
    read_server_settings,
    read_start_script,
    read_units,
)
from tests.injection.texts import HOSTILE
from tests.injection.written import place, with_text, written
from tests.resolve.rigs import check_text

__all__ = ["plant_canaries"]

# Strings of a rig, of each kind.
_PER_KIND = 200
_SHORT = [text for text in HOSTILE.values() if 0 < len(text) < 200]
_PROGRAMS = _SESSIONS = 5
_HARMLESS = "x"
# Begins the texts that find the fields that a document shows.
_MARK = "Zq7"
# A field that takes few texts stays as it is after so many.
_DRAWS = 10

_Path = tuple[str, ...]
_Place = Callable[[int, str], tuple[_Path, Any]]

# Where a string of each kind is on a line of its own, so that the line of an error names it.
_KINDS: dict[str, _Place] = {
    "variable": lambda n, text: (("system", "env", f"TEXT_{n}"), text),
    "folder": lambda n, text: (("system", "env", f"PATH_{n}"), {"prepend": [text]}),
    "setting": lambda n, text: (("env", "work", "config", "keras", f"text_{n}"), text),
    "argument": lambda n, text: (("service", "program", "p", "variables", f"TEXT_{n}"), text),
    "pane": lambda n, text: (
        ("service", "tmux", f"s{n}", "windows"),
        [{"name": "w", "panes": [text]}],
    ),
    "window": lambda n, text: (("service", "tmux", f"s{n}", "windows"), [{"name": text}]),
}


def plant_canaries(count: int, chance: random.Random) -> Result:
    """Plant strings in rigs of every target, and in rigs that are drawn and compared."""
    done, findings = 0, []
    while done < count:
        for plant in (_plant_in_targets, _plant_in_documents):
            planted, found = plant(chance)
            done += planted
            findings += found
    return Result(done, tuple(findings))


def draw_text(chance: random.Random) -> str:
    """Return one to three hostile texts or parts of them in a row."""
    return "".join(_draw_piece(chance) for _ in range(chance.randint(1, 3)))


def _draw_piece(chance: random.Random) -> str:
    text = chance.choice(_SHORT)
    if chance.random() < 0.7:
        return text
    start, end = sorted(chance.randrange(len(text) + 1) for _ in range(2))
    return text[start:end]


# --- artifacts and services --------------------------------------------------------------------


def _plant_in_targets(chance: random.Random) -> tuple[int, list[str]]:
    texts = {kind: _draw_accepted(kind, chance) for kind in _KINDS}
    harmless = {kind: [_HARMLESS] * len(found) for kind, found in texts.items()}
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = _read_everything(_fill(texts), Path(folder, "hostile"))
            meant = _read_everything(_fill(harmless), Path(folder, "harmless"))
        findings = [
            f"{file} has another structure" for file in meant if found.get(file) != meant[file]
        ]
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        findings = [f"{frame.name}, line {frame.lineno}: {type(error).__name__}: {error}"[:2000]]
    return sum(map(len, texts.values())), findings


def _draw_accepted(kind: str, chance: random.Random) -> list[str]:
    """Return drawn strings that the spec accepts; the others never reach an artifact."""
    found: list[str] = []
    while len(found) < _PER_KIND:
        found += _accepted(kind, [draw_text(chance) for _ in range(_PER_KIND)])
    return found[:_PER_KIND]


def _accepted(kind: str, texts: Sequence[str]) -> list[str]:
    left = dict(enumerate(texts))
    while left:
        env = {"python": "3.11", "frameworks": {"keras": "*"}}
        rig: dict[str, Any] = {"rig": 1, "name": "x", "env": {"work": env}}
        if kind == "argument":
            _put(rig, ("service", "program", "p"), {"env": "work", "command": ["x"]})
        for number, text in left.items():
            _put(rig, *_KINDS[kind](number, text))
        toml = written(rig)
        try:
            read_rig(rig)
        except InvalidSpec as error:
            refused = {span.line for each in error.diagnostics for span in each.spans}
            # The lines of a string's table, and of what is in it.
            paths = {_KINDS[kind](n, "")[0]: n for n in left}
            depth = len(next(iter(paths)))
            hit = {paths.get(p[:depth]) for p, line in toml.lines.items() if line in refused}
            remaining = {n: text for n, text in left.items() if n not in hit}
            if len(remaining) == len(left):
                raise
            left = remaining
        else:
            break
    return list(left.values())


def _fill(texts: dict[str, list[str]]) -> dict[str, Any]:
    """Return a rig for every target with these strings in artifacts and services."""
    rig = copy.deepcopy(PLAIN)
    for kind in ("variable", "folder", "setting"):
        for number, text in enumerate(texts[kind]):
            _put(rig, *_KINDS[kind](number, text))
    programs, sessions = {}, {}
    for number in range(_PROGRAMS):
        words = texts["argument"][number::_PROGRAMS]
        variables = {f"TEXT_{n}": text for n, text in enumerate(words)}
        programs[f"p{number}"] = {
            "env": "work", "command": ["serve", *words], "variables": variables,
        }  # fmt: skip
    for number in range(_SESSIONS):
        names, panes = (texts[kind][number::_SESSIONS] for kind in ("window", "pane"))
        windows = [{"name": name, "panes": [pane]} for name, pane in zip(names, panes, strict=True)]
        sessions[f"s{number}"] = {"env": "work", "windows": windows}
    rig["service"] = {"ssh": {"port": 2222}, "program": programs, "tmux": sessions}
    return rig


def _read_everything(rig: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the structure of each artifact, and what the programs of the services read."""
    read: Rig = read_rig(rig)
    found = read_targets(read, artifacts(rig), folder)
    files = folder / "shell" / "files"
    found["systemd"] = read_units(read, files)
    found["tmux"] = read_layouts(read, files)
    found["sshd"] = read_server_settings(files)
    found["ssh-keygen"] = read_keys(read, folder)
    found["start script"] = read_start_script(read, folder / "docker" / "serve")
    return found


# --- drawings and reports ----------------------------------------------------------------------


def _plant_in_documents(chance: random.Random) -> tuple[int, list[str]]:
    """Put a string into each field that a document shows; the rig still resolves."""
    rig, planted = RIGS["whole"], 0
    for path in _shown_fields():
        for _ in range(_DRAWS):
            changed = with_text(rig, path, draw_text(chance), of_key=False)
            if _is_read(_only(changed, path)):
                rig, planted = changed, planted + 1
                break
    # A rig with conflicts is not drawn.
    if check_text(written(rig).text).resolution is None:
        return 0, []
    findings = []
    for words, read in DOCUMENTS.items():
        try:
            found, meant = read(_printed(words, rig)), _harmless_document(words)
            if found != meant:
                findings.append(
                    f"{' '.join(words)}: another structure: {_differences(found, meant)}"
                )
        except Exception as error:
            findings.append(f"{' '.join(words)}: {type(error).__name__}: {str(error)[:2000]}")
    return planted, findings


@cache
def _harmless_document(words: tuple[str, ...]) -> Any:
    return DOCUMENTS[words](_printed(words, RIGS["whole"]))


@cache
def _shown_fields() -> tuple[tuple[Any, ...], ...]:
    """Return the fields whose text is in a document."""
    rig, marks = RIGS["whole"], {}
    paths = [path for name, path in map(place, _value_fields()) if name == "whole"]
    for number, path in enumerate(dict.fromkeys(paths)):
        mark = f"{_MARK}{number}x"
        changed = with_text(rig, path, mark, of_key=False)
        if _is_read(changed) and check_text(written(changed).text).resolution is not None:
            rig, marks[path] = changed, mark
    shown = "".join(_printed(words, rig) for words in DOCUMENTS)
    return tuple(path for path, mark in marks.items() if mark in shown)


def _value_fields() -> Iterator[Any]:
    return (field for field in text_fields() if not field.of_key)


def _differences(found: Any, meant: Any) -> str:
    if isinstance(found, list) and isinstance(meant, list):
        return str([each for each in found if each not in meant][:5])
    return f"{found} instead of {meant}"


def _printed(words: tuple[str, ...], rig: dict[str, Any]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "rig.toml").write_text(written(rig).text, encoding="utf-8")
        machines = list(rig["machine"])
        names = machines if words[0] == "compare" else []
        options = ["--machine", machines[0]] if words[0] in ("graph", "check") else []
        command = ["python", "-m", "rigspec", *words, "rig.toml", *options, *names]
        settings = {"cwd": folder, "env": dict(os.environ), "text": True}
        done = run_in_process(command, settings)
        assert "Traceback" not in done.stderr, done.stderr[-1000:]
        assert done.stdout, done.stderr[-1000:]
        return str(done.stdout)


def _only(rig: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    """Return the rig with one table, which is read faster."""
    kept = {"rig", "name", "summary", "env", path[0]}
    return {key: value for key, value in rig.items() if key in kept}


def _put(rig: dict[str, Any], path: _Path, value: Any) -> None:
    *above, name = path
    for part in above:
        rig = rig.setdefault(part, {})
    rig[name] = value


def _is_read(rig: dict[str, Any]) -> bool:
    try:
        read_rig(rig)
    except InvalidSpec:
        return False
    return True
