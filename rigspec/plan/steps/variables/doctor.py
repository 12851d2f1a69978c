"""Check the variables of login shells."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from functools import partial

from rigspec.plan.inspection.expectation import Expectation, ProbeError, compare, run_command
from rigspec.plan.inspection.files import check_attributes
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.base import compute_digest
from rigspec.plan.steps.variables import Variable, VariablesStep

__all__ = ["check", "read_variable"]

_SHELLS = ("/bin/bash", "/bin/sh")


def check(step: VariablesStep, inspection: Inspection) -> Iterator[Finding]:
    """Check the profile script and the variables of a login shell."""
    text = inspection.texts.get(step.id)
    if text is not None:
        digest = compute_digest(text)
        yield from check_attributes(
            step.layer, step.path, step.id, owner="root:root", mode="0644", sha256=digest
        )
    for variable in step.variables:
        expected = ":".join(variable.values)
        expectation = Expectation(step.layer, variable.name, "login shell", expected, step.id)
        yield compare(expectation, partial(read_variable, variable))


def read_variable(variable: Variable, script: str | None = None) -> str | None:
    """Return the value in a login shell, after sourcing ``script`` if given.

    Of a list of directories, return only those of the rig, if they are complete and in order.
    """
    found = _read_session(script).get(variable.name)
    if found is None or not variable.prepend:
        return found
    entries = found.split(":")
    own = [entry for entry in entries if entry in variable.values]
    # An empty entry means the current directory, from which programs would be run.
    return ":".join(own) if own == list(variable.values) and all(entries) else found


def _read_session(script: str | None) -> dict[str, str]:
    shell = next((path for path in _SHELLS if os.path.exists(path)), None)
    if shell is None:
        raise ProbeError(f"{_SHELLS[-1]} not found")
    account = pwd.getpwuid(os.getuid())
    environment = (("HOME", account.pw_dir), ("USER", account.pw_name), ("TERM", "dumb"))
    # Start-up files may print text before the marker.
    marker = "rigspec-session"
    prefix = f". {script} && " if script is not None else ""
    script_text = f"{prefix}echo; echo {marker}; env -0"
    output = run_command((shell, "-l", "-c", script_text), environment=environment)
    entries = output.partition(f"\n{marker}\n")[2].split("\0")
    return {name: value for name, _, value in (entry.partition("=") for entry in entries)}
