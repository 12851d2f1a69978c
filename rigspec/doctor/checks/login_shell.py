"""The variables that a fresh log-in shell has, and one that has activated an environment."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator, Mapping
from functools import partial

from rigspec.doctor.checks.files import attributes_of, content_digest
from rigspec.doctor.expectation import Expectation, ProbeError, command, compare
from rigspec.doctor.model import Item
from rigspec.plan.steps import EnvironmentVariables, Variable, Variables

__all__ = ["environment_variables", "variables"]

_SHELLS = ("/bin/bash", "/bin/sh")


def variables(step: Variables, text: str | None) -> Iterator[Item]:
    """The file that sets them, held against ``text``, and what a log-in shell makes of it."""
    if text is not None:
        digest = content_digest(text)
        yield from attributes_of(
            step.layer, step.path, step.id, owner="root:root", mode="0644", sha256=digest
        )
    for variable in step.variables:
        expected = ":".join(variable.values)
        promise = Expectation(step.layer, variable.name, "log-in shell", expected, step.id)
        yield compare(promise, partial(_value, variable))


def environment_variables(step: EnvironmentVariables, texts: Mapping[str, str]) -> Iterator[Item]:
    """The scripts of an environment, and what they make of a shell."""
    for name, path in step.scripts:
        if name in texts:
            digest = content_digest(texts[name])
            yield from attributes_of(
                step.layer, path, step.id, owner="root:root", mode="0644", sha256=digest
            )
    script = step.scripts[0][1] if step.by_conda else f"{step.path}/bin/activate"
    for variable in step.variables:
        expected = ":".join(variable.values)
        name = f"{step.name}/{variable.name}"
        promise = Expectation(step.layer, name, "activated", expected, step.id)
        yield compare(promise, partial(_value, variable, script))


def _value(variable: Variable, script: str | None = None) -> str | None:
    """What a log-in shell has; of a list of folders the rig's own part, where that is whole.

    With a ``script`` it is a shell that has read it.
    """
    found = _session(script).get(variable.name)
    if found is None or not variable.prepend:
        return found
    entries = found.split(":")
    mine = [entry for entry in entries if entry in variable.values]
    # An empty entry is the current folder, and programs would be taken from there.
    return ":".join(mine) if mine == list(variable.values) and all(entries) else found


def _session(script: str | None) -> dict[str, str]:
    shell = next((path for path in _SHELLS if os.path.exists(path)), None)
    if shell is None:
        raise ProbeError(f"there is no {_SHELLS[-1]}")
    account = pwd.getpwuid(os.getuid())
    environment = (("HOME", account.pw_dir), ("USER", account.pw_name), ("TERM", "dumb"))
    # What start-up files print comes before the mark.
    mark = "rigspec-session"
    before = f". {script} && " if script is not None else ""
    asked = f"{before}echo; echo {mark}; env -0"
    said = command((shell, "-l", "-c", asked), environment=environment)
    entries = said.partition(f"\n{mark}\n")[2].split("\0")
    return {name: value for name, _, value in (entry.partition("=") for entry in entries)}
