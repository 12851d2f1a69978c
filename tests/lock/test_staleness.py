"""A lock without the archive of an interpreter, or with another source of it, is out of date."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rigspec.check import check_machine
from rigspec.lock.artifacts import INTERPRETER_TABLES, list_downloads
from rigspec.lock.model import Lock, LockedEnv, LockedMachine
from rigspec.lock.python.interpreter import lock_interpreter
from rigspec.lock.staleness import find_differences
from rigspec.matrix.loader import load_matrix
from rigspec.resolution import Pin
from rigspec.resolve.problem.builder import load_required_matrix
from rigspec.spec.loader import LoadedSpec, parse_spec

UV = """
rig = 1
name = "box"
[machine.box]
os = "debian 12"
[env.lab]
python = "3.12"
interpreter = "{interpreter}"
"""


def find_messages(lock: Lock, spec: LoadedSpec) -> list[str]:
    reports = [
        check_machine(spec, name, load_required_matrix(spec.rig, name)) for name in spec.rig.machine
    ]
    resolutions = [report.resolution for report in reports if report.resolution is not None]
    assert len(resolutions) == len(spec.rig.machine)
    return [found.message for found in find_differences(lock, spec.rig, resolutions)]


def lock_machine(spec: LoadedSpec) -> LockedMachine:
    """The machine of a spec with its interpreter, as `lock` writes it, without packages."""
    resolution = check_machine(spec, "box", load_required_matrix(spec.rig, "box")).resolution
    assert resolution is not None
    matrix = load_matrix()
    (env,) = resolution.envs
    interpreter = lock_interpreter(spec.rig.env["lab"], resolution, env, matrix)
    return LockedMachine(
        resolution=resolution,
        files=tuple(list_downloads(spec.rig, resolution, matrix)),
        envs=(LockedEnv("lab", "uv", (), (), interpreter),),
    )


@pytest.mark.parametrize("kind", INTERPRETER_TABLES)
@pytest.mark.parametrize("lacking", ["file", "name"])
def test_lock_without_archive_of_interpreter_is_stale(kind: str, lacking: str) -> None:
    spec = parse_spec("rig.toml", UV.format(interpreter=kind))
    machine = lock_machine(spec)
    assert find_messages(Lock("box", "", "", (machine,)), spec) == [
        "the spec has changed since the lock was made, though no version has"
    ]
    if lacking == "file":
        machine = replace(machine, files=())
    else:
        (env,) = machine.envs
        interpreter = replace(env.interpreter, installer=None)
        machine = replace(machine, envs=(replace(env, interpreter=interpreter),))
    (message,) = find_messages(Lock("box", "", "", (machine,)), spec)
    assert message.startswith("the lock is stale: the archive of Python 3.12.")
    assert message.endswith(" for lab is not in the lock")


def test_lock_with_other_source_of_interpreter_is_stale() -> None:
    machine = lock_machine(parse_spec("rig.toml", UV.format(interpreter="pyenv")))
    spec = parse_spec("rig.toml", UV.format(interpreter="uv"))
    (message,) = find_messages(Lock("box", "", "", (machine,)), spec)
    assert (
        message == "the lock is stale: the Python of lab is from pyenv in the lock and from uv now"
    )


@pytest.mark.parametrize(
    ("part", "value", "reason"),
    [
        ("constraints", ("numpy<2",), "the constraints of the packages of lab are now none"),
        (
            "companions",
            ("six",),
            "the undeclared packages of the frameworks of lab are now none",
        ),
        ("distributions", (Pin("torch", "2.8.0"),), "the frameworks of lab resolve to none"),
    ],
)
def test_stale_lock_names_the_requirement_that_changed(
    part: str, value: tuple[object, ...], reason: str
) -> None:
    spec = parse_spec("rig.toml", UV.format(interpreter="uv"))
    machine = lock_machine(spec)
    (env,) = machine.resolution.envs
    changed: dict[str, Any] = {part: value}
    resolution = replace(machine.resolution, envs=(replace(env, **changed),))
    (message,) = find_messages(
        Lock("box", "", "", (replace(machine, resolution=resolution),)), spec
    )
    assert message == f"the lock is stale: {reason}"
