"""Which release of a component is in use, from what speaks for it on a live machine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files

import tomli

from rigspec.doctor.host import CannotSee, Promise, command, file_attributes, held, read_text
from rigspec.doctor.model import Item
from rigspec.plan.layout import cuda_home
from rigspec.plan.model import Plan
from rigspec.plan.steps import Step

__all__ = ["witnesses"]

_TABLE = "witnesses.toml"


@dataclass(frozen=True)
class _Witness:
    """A row of the table."""

    part: str
    component: str
    name: str
    aspect: str
    pattern: str
    files: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    precision: int | None = None


def witnesses(plan: Plan, steps: Sequence[Step]) -> Iterator[Item]:
    """What each witness says of the components that these steps bring."""
    home = cuda_home(plan.resolution.cuda) if plan.resolution.cuda is not None else ""
    for row in _table():
        version = getattr(plan.resolution, row.component)
        step = _bringer(steps, row)
        if version is None or step is None:
            continue
        expected = _cut(version, row.precision)
        promise = Promise(row.part, row.name, row.aspect, expected, step.id)
        yield held(promise, partial(_said, row, home))


def _bringer(steps: Sequence[Step], row: _Witness) -> Step | None:
    """The step that brings the component: the one of its name, else the last of its part."""
    of_part = [step for step in steps if step.part == row.part]
    named = [step for step in of_part if step.id == row.component]
    return next(reversed(named or of_part), None)


def _said(row: _Witness, home: str) -> str | None:
    for path in row.files:
        text = read_text(path.replace("{home}", home))
        found = re.findall(row.pattern, text or "", re.MULTILINE)
        if found:
            return _cut(".".join(found), row.precision)
    for words in row.commands:
        program, *arguments = (word.replace("{home}", home) for word in words)
        if file_attributes(program, content=False) is not None:
            found = re.findall(row.pattern, command((program, *arguments)), re.MULTILINE)
            if not found:
                raise CannotSee(f"{program} does not say its version")
            return _cut(found[0], row.precision)
    return None


def _cut(version: str, precision: int | None) -> str:
    return ".".join(version.split(".")[:precision])


def _table() -> tuple[_Witness, ...]:
    table = tomli.loads((files("rigspec.doctor") / _TABLE).read_text(encoding="utf-8"))
    return tuple(
        _Witness(
            **{
                **row,
                "files": tuple(row.get("files", ())),
                "commands": tuple(tuple(words) for words in row.get("commands", ())),
            }
        )
        for row in table["witness"]
    )
