"""Strings with a canary in artifacts, drawings and reports."""

from __future__ import annotations

import copy
import os
import random
import tempfile
from pathlib import Path
from typing import Any

from rigspec.spec.loader import InvalidSpec
from tests.command import run_in_process
from tests.figures.measurement import Result
from tests.injection.artifacts import artifacts, read_rig
from tests.injection.fields import text_fields
from tests.injection.readers import DOCUMENTS, read_targets
from tests.injection.rigs import PLAIN, RIGS, place, with_text, written
from tests.injection.texts import HOSTILE
from tests.resolve.rigs import check_text

__all__ = ["plant_canaries"]

# Strings of a rig: in variables, in lists of folders and in settings of a framework.
_PER_KIND = 100
_SHORT = [text for text in HOSTILE.values() if 0 < len(text) < 200]


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
    """Return one to three hostile texts in a row."""
    return "".join(chance.choice(_SHORT) for _ in range(chance.randint(1, 3)))


def _plant_in_targets(chance: random.Random) -> tuple[int, list[str]]:
    rig, harmless = copy.deepcopy(PLAIN), copy.deepcopy(PLAIN)
    planted = 0
    for number in range(_PER_KIND):
        text = draw_text(chance)
        for path, value, plain in (
            (("system", "env", f"TEXT_{number}"), text, "x"),
            (("system", "env", f"PATH_{number}"), {"prepend": [text]}, {"prepend": ["x"]}),
            (("env", "work", "config", "keras", f"text_{number}"), text, "x"),
        ):
            if _is_read({"rig": 1, "name": "x", path[0]: _nested(path[1:], value)}):
                planted += 1
                _put(rig, path, value)
                _put(harmless, path, plain)
    try:
        with tempfile.TemporaryDirectory() as folder:
            structure = read_targets(read_rig(rig), artifacts(rig), Path(folder, "hostile"))
            meant = read_targets(read_rig(harmless), artifacts(harmless), Path(folder, "harmless"))
        differs = sorted(file for file in meant if structure.get(file) != meant[file])
        return planted, [f"{file} has another structure" for file in differs]
    except Exception as error:
        return planted, [f"{type(error).__name__}: {str(error)[:2000]}"]


def _plant_in_documents(chance: random.Random) -> tuple[int, list[str]]:
    """Put a string into each field of the whole language that takes it and still resolves."""
    rig, planted = RIGS["whole"], 0
    for field in text_fields():
        name, path = place(field)
        if name != "whole" or field.of_key:
            continue
        changed = with_text(rig, path, draw_text(chance), of_key=False)
        # A rig with conflicts is not drawn.
        if _is_read(changed) and check_text(written(changed).text).resolution is not None:
            rig, planted = changed, planted + 1
    findings = []
    for words, read in DOCUMENTS.items():
        try:
            found, meant = (read(_printed(words, each)) for each in (rig, RIGS["whole"]))
            if found != meant:
                findings.append(
                    f"{' '.join(words)}: another structure: {_differences(found, meant)}"
                )
        except Exception as error:
            findings.append(f"{' '.join(words)}: {type(error).__name__}: {str(error)[:2000]}")
    return planted, findings


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


def _nested(path: tuple[str, ...], value: Any) -> Any:
    return {path[0]: _nested(path[1:], value)} if path else value


def _put(rig: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *above, name = path
    for part in above:
        rig = rig[part]
    rig[name] = value


def _is_read(rig: dict[str, Any]) -> bool:
    try:
        read_rig(rig)
    except InvalidSpec:
        return False
    return True
