"""Check services: the text of the unit, whether it is enabled, active and responding."""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from rigspec.plan.inspection.expectation import Expectation, ProbeError, compare, run_command
from rigspec.plan.inspection.files import check_attributes
from rigspec.plan.inspection.findings import Finding, Fix, Inspection, Status
from rigspec.plan.steps.base import compute_digest
from rigspec.plan.steps.service import ServiceStep

__all__ = ["check", "fix"]

_RESPONDING = "responding"
_UNIT_DIRS = ("/etc/systemd/system", "/run/systemd/system")
_TIMEOUT_S = 8


def check(step: ServiceStep, _: Inspection) -> Iterator[Finding]:
    """Check a systemd unit, including its text unless a package provides it."""
    if step.unit:
        yield from check_attributes(
            step.layer,
            f"/etc/systemd/system/{step.name}",
            step.id,
            owner="root:root",
            mode="0644",
            sha256=compute_digest(step.unit),
        )
        yield from _find_drop_ins(step)
    enabled = Expectation(step.layer, step.name, "enabled", "enabled", step.id)
    yield compare(enabled, lambda: _systemctl("is-enabled", step.name))
    active = Expectation(step.layer, step.name, "active", "active", step.id)
    active_item = compare(active, lambda: _read_active_state(step.name))
    yield active_item
    # An inactive service is not expected to respond.
    if active_item.status in (Status.OK, Status.UNKNOWN) and (step.health or step.port is not None):
        aspect = "health" if step.port is None else f"port {step.port}"
        responding = Expectation(step.layer, step.name, aspect, _RESPONDING, step.id)
        yield compare(responding, partial(_check_response, step, active_item))


def fix(step: ServiceStep, findings: Sequence[Finding]) -> Fix:
    """Return commands for a unit: the installer changes no foreign drop-ins or masked units."""
    name, commands = shlex.quote(step.name), []
    for item in findings:
        if item.status is Status.EXTRA:
            commands.append(f"# remove manually: {item.name}")
        elif (item.aspect, item.found) == ("enabled", "masked"):
            commands.append(f"systemctl unmask {name}")
    rerun = not findings or any(item.status is not Status.EXTRA for item in findings)
    return Fix(tuple(commands), rerun)


def _find_drop_ins(step: ServiceStep) -> Iterator[Finding]:
    """Report drop-ins that do not belong to the rig."""
    for folder in _UNIT_DIRS:
        for path in sorted(Path(folder, f"{step.name}.d").glob("*.conf")):
            found = f"changes {step.name}"
            yield Finding(step.layer, str(path), "drop-in", None, found, Status.EXTRA, step.id)


def _read_active_state(name: str) -> str | None:
    if not os.path.isdir("/run/systemd/system"):
        raise ProbeError("systemd is not running")
    return _systemctl("is-active", name)


def _check_response(step: ServiceStep, active_item: Finding) -> str:
    """Run the health check of the service, or connect to its port."""
    if active_item.status is Status.UNKNOWN:
        raise ProbeError(active_item.reason or "")
    try:
        if step.health:
            environment = tuple(
                (variable.name, ":".join(variable.values))
                for variable in step.variables
                if not variable.prepend
            )
            run_command(step.health, environment=environment)
        elif step.port is not None:
            socket.create_connection((step.address, step.port), timeout=_TIMEOUT_S).close()
    except ProbeError as error:
        return str(error)
    except OSError as error:
        return error.strerror or str(error)
    return _RESPONDING


def _systemctl(verb: str, name: str) -> str | None:
    return run_command(("systemctl", verb, name), fails=True) or None
