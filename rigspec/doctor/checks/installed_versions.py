"""Which release of a component is in use, from what speaks for it on a live machine."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Any

import tomli

from rigspec.doctor.expectation import (
    Expectation,
    ProbeError,
    command,
    compare,
    file_attributes,
    read_text,
)
from rigspec.doctor.model import Item
from rigspec.plan.model import Plan
from rigspec.plan.paths import cuda_home
from rigspec.plan.steps import Step

__all__ = ["installed_version_checks"]

_TABLE = "version_probes.toml"
_NOT_LOADED = "not loaded"


@dataclass(frozen=True)
class VersionProbe:
    """A row of the table."""

    part: str
    component: str
    name: str
    aspect: str
    pattern: str
    files: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    precision: int | None = None
    optional: bool = False


@dataclass(frozen=True)
class ConflictingModule:
    """A kernel module that must not be loaded beside a component."""

    part: str
    component: str
    name: str
    path: str


@dataclass(frozen=True)
class _Devices:
    """The folder with an entry for each graphics card that a component drives."""

    part: str
    component: str
    name: str
    folder: str


def installed_version_checks(plan: Plan, steps: Sequence[Step]) -> Iterator[Item]:
    """What each witness says of the components that these steps bring."""
    home = cuda_home(plan.resolution.cuda) if plan.resolution.cuda is not None else ""
    for row in _table():
        version = getattr(plan.resolution, row.component)
        step = _installing_step(steps, row)
        if version is None or step is None or not _is_available(row, home):
            continue
        expected = _cut(version, row.precision)
        promise = Expectation(row.part, row.name, row.aspect, expected, step.id)
        yield compare(promise, partial(_probe_version, row, home))
    yield from _rivals(plan, steps)
    yield from _counted(plan, steps)


def _rivals(plan: Plan, steps: Sequence[Step]) -> Iterator[Item]:
    for row in _rows("rival"):
        rival = ConflictingModule(**row)
        step = _installing_step(steps, rival)
        if getattr(plan.resolution, rival.component) is None or step is None:
            continue
        promise = Expectation(rival.part, rival.name, "module", _NOT_LOADED, step.id)
        yield compare(promise, partial(_loaded, rival.path))


def _counted(plan: Plan, steps: Sequence[Step]) -> Iterator[Item]:
    for row in _rows("devices"):
        devices = _Devices(**row)
        step = _installing_step(steps, devices)
        if getattr(plan.resolution, devices.component) is None or step is None or not plan.gpus:
            continue
        promise = Expectation(devices.part, devices.name, "number", str(plan.gpus), step.id)
        yield compare(promise, partial(_number, devices.folder))


def _loaded(path: str) -> str:
    return _NOT_LOADED if file_attributes(path, content=False) is None else "loaded"


def _number(folder: str) -> str:
    try:
        return str(len(os.listdir(folder)))
    except OSError as error:
        # Without the driver nobody knows them; that it is not there is told already.
        raise ProbeError(f"{folder}: {error.strerror}") from None


def _is_available(row: VersionProbe, home: str) -> bool:
    """Whether there is a witness, of those that may be missing."""
    programs = (words[0].replace("{home}", home) for words in row.commands)
    return not row.optional or any(
        file_attributes(program, content=False) is not None for program in programs
    )


def _installing_step(
    steps: Sequence[Step], row: VersionProbe | ConflictingModule | _Devices
) -> Step | None:
    """The step that brings the component: the one of its name, else the last of its part."""
    of_part = [step for step in steps if step.layer == row.part]
    named = [step for step in of_part if step.id == row.component]
    return next(reversed(named or of_part), None)


def _probe_version(row: VersionProbe, home: str) -> str | None:
    for path in row.files:
        text = read_text(path.replace("{home}", home))
        found = re.findall(row.pattern, text or "", re.MULTILINE)
        if found:
            return _cut(".".join(found), row.precision)
    for words in row.commands:
        program, *arguments = (word.replace("{home}", home) for word in words)
        if file_attributes(program, content=False) is not None:
            said = command((program, *arguments), fails=True)
            found = re.findall(row.pattern, said, re.MULTILINE)
            if found:
                return _cut(found[0], row.precision)
            if not said:
                raise ProbeError(f"{program} does not say its version")
            # Why it says none is what is wrong.
            return said.splitlines()[0]
    return None


def _cut(version: str, precision: int | None) -> str:
    return ".".join(version.split(".")[:precision])


def _table() -> tuple[VersionProbe, ...]:
    return tuple(
        VersionProbe(
            **{
                **row,
                "files": tuple(row.get("files", ())),
                "commands": tuple(tuple(words) for words in row.get("commands", ())),
            }
        )
        for row in _rows("witness")
    )


def _rows(name: str) -> list[dict[str, Any]]:
    text = (files("rigspec.doctor") / _TABLE).read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = tomli.loads(text)[name]
    return rows
