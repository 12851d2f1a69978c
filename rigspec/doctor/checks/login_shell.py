"""Check the variables of login shells and activated environments."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator, Mapping
from functools import partial

from rigspec.doctor.checks.files import check_attributes, compute_content_digest
from rigspec.doctor.expectation import Expectation, ProbeError, compare, run_command
from rigspec.doctor.model import Item
from rigspec.plan.steps import EnvironmentVariablesStep, Variable, VariablesStep

__all__ = ["check_environment_variables", "check_variables"]

_SHELLS = ("/bin/bash", "/bin/sh")


def check_variables(step: VariablesStep, text: str | None) -> Iterator[Item]:
    """Check the profile script against ``text``, and the variables of a login shell."""
    if text is not None:
        digest = compute_content_digest(text)
        yield from check_attributes(
            step.layer, step.path, step.id, owner="root:root", mode="0644", sha256=digest
        )
    for variable in step.variables:
        expected = ":".join(variable.values)
        expectation = Expectation(step.layer, variable.name, "login shell", expected, step.id)
        yield compare(expectation, partial(_read_variable, variable))


def check_environment_variables(
    step: EnvironmentVariablesStep, texts: Mapping[str, str]
) -> Iterator[Item]:
    """Check the scripts of an environment, and the variables that they set."""
    for name, path in step.scripts:
        if name in texts:
            digest = compute_content_digest(texts[name])
            yield from check_attributes(
                step.layer, path, step.id, owner="root:root", mode="0644", sha256=digest
            )
    script = step.scripts[0][1] if step.by_conda else f"{step.path}/bin/activate"
    for variable in step.variables:
        expected = ":".join(variable.values)
        name = f"{step.name}/{variable.name}"
        expectation = Expectation(step.layer, name, "activated", expected, step.id)
        yield compare(expectation, partial(_read_variable, variable, script))


def _read_variable(variable: Variable, script: str | None = None) -> str | None:
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
