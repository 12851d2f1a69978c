"""Check which release of a component is in use, with probes of the live machine."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Any

import tomli

from rigspec.plan.inspection.expectation import (
    Expectation,
    ProbeError,
    compare,
    read_file_attributes,
    read_text,
    run_command,
)
from rigspec.plan.inspection.findings import Finding
from rigspec.plan.model import Plan
from rigspec.plan.steps import Step

__all__ = ["build_version_checks"]

_TABLE = "version_probes.toml"
_NOT_LOADED = "not loaded"


@dataclass(frozen=True)
class VersionProbe:
    """A way to find the version of a component that is in use."""

    layer: str
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
    """A kernel module that conflicts with a component."""

    layer: str
    component: str
    name: str
    path: str


@dataclass(frozen=True)
class DeviceCount:
    """A directory with an entry for each GPU of a component."""

    layer: str
    component: str
    name: str
    folder: str


def build_version_checks(plan: Plan, steps: Sequence[Step]) -> Iterator[Finding]:
    """Check the version in use of each component that the steps install."""
    home = plan.cuda_home or ""
    for probe in _read_probes():
        version = getattr(plan.resolution, probe.component)
        step = _installing_step(steps, probe)
        if version is None or step is None or not _is_available(probe, home):
            continue
        expected = _truncate(version, probe.precision)
        expectation = Expectation(probe.layer, probe.name, probe.aspect, expected, step.id)
        yield compare(expectation, partial(_probe_version, probe, home))
    yield from _check_conflicting_modules(plan, steps)
    yield from _check_device_counts(plan, steps)


def _check_conflicting_modules(plan: Plan, steps: Sequence[Step]) -> Iterator[Finding]:
    for row in _read_table("conflicting_module"):
        module = ConflictingModule(**row)
        step = _installing_step(steps, module)
        if getattr(plan.resolution, module.component) is None or step is None:
            continue
        expectation = Expectation(module.layer, module.name, "module", _NOT_LOADED, step.id)
        yield compare(expectation, partial(_is_loaded, module.path))


def _check_device_counts(plan: Plan, steps: Sequence[Step]) -> Iterator[Finding]:
    for row in _read_table("devices"):
        devices = DeviceCount(**row)
        step = _installing_step(steps, devices)
        if getattr(plan.resolution, devices.component) is None or step is None or not plan.gpus:
            continue
        expectation = Expectation(devices.layer, devices.name, "number", str(plan.gpus), step.id)
        yield compare(expectation, partial(_count_entries, devices.folder))


def _is_loaded(path: str) -> str:
    return _NOT_LOADED if read_file_attributes(path, content=False) is None else "loaded"


def _count_entries(folder: str) -> str:
    try:
        return str(len(os.listdir(folder)))
    except OSError as error:
        # Unknown without the driver, which is already reported as missing.
        raise ProbeError(f"{folder}: {error.strerror}") from None


def _is_available(probe: VersionProbe, home: str) -> bool:
    """Return whether an optional probe can run."""
    programs = (words[0].replace("{home}", home) for words in probe.commands)
    return not probe.optional or any(
        read_file_attributes(program, content=False) is not None for program in programs
    )


def _installing_step(
    steps: Sequence[Step], probe: VersionProbe | ConflictingModule | DeviceCount
) -> Step | None:
    """Return the step that installs the component: that of its name, or the last of its layer."""
    in_layer = [step for step in steps if step.layer == probe.layer]
    named = [step for step in in_layer if step.id == probe.component]
    return next(reversed(named or in_layer), None)


def _probe_version(probe: VersionProbe, home: str) -> str | None:
    for path in probe.files:
        text = read_text(path.replace("{home}", home))
        matches = re.findall(probe.pattern, text or "", re.MULTILINE)
        if matches:
            return _truncate(".".join(matches), probe.precision)
    for words in probe.commands:
        program, *arguments = (word.replace("{home}", home) for word in words)
        if read_file_attributes(program, content=False) is not None:
            output = run_command((program, *arguments), fails=True)
            matches = re.findall(probe.pattern, output, re.MULTILINE)
            if matches:
                return _truncate(matches[0], probe.precision)
            if not output:
                raise ProbeError(f"{program} printed no version")
            # The output explains why there is no version.
            return output.splitlines()[0]
    return None


def _truncate(version: str, precision: int | None) -> str:
    return ".".join(version.split(".")[:precision])


def _read_probes() -> tuple[VersionProbe, ...]:
    return tuple(
        VersionProbe(
            **{
                **row,
                "files": tuple(row.get("files", ())),
                "commands": tuple(tuple(words) for words in row.get("commands", ())),
            }
        )
        for row in _read_table("probe")
    )


def _read_table(name: str) -> list[dict[str, Any]]:
    text = (files("rigspec.doctor") / _TABLE).read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = tomli.loads(text)[name]
    return rows
