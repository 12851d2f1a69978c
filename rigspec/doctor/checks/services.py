"""Services: the unit as it was compiled, enabled, and running and answering where systemd runs."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from rigspec.doctor.checks.files import attributes_of, content_digest
from rigspec.doctor.expectation import Expectation, ProbeError, command, compare
from rigspec.doctor.model import Item, Status
from rigspec.plan.steps import Service

__all__ = ["service"]

_ANSWERS = "answers"
_FOLDERS = ("/etc/systemd/system", "/run/systemd/system")
_SECONDS = 8


def service(step: Service) -> Iterator[Item]:
    """A unit of systemd: its text, where no package brings it, and whether it is in force."""
    if step.unit:
        yield from attributes_of(
            step.layer,
            f"/etc/systemd/system/{step.name}",
            step.id,
            owner="root:root",
            mode="0644",
            sha256=content_digest(step.unit),
        )
        yield from _drop_ins(step)
    enabled = Expectation(step.layer, step.name, "enabled", "enabled", step.id)
    yield compare(enabled, lambda: _said("is-enabled", step.name))
    active = Expectation(step.layer, step.name, "active", "active", step.id)
    running = compare(active, lambda: _running(step.name))
    yield running
    # Of what does not run nobody expects an answer.
    if running.status in (Status.OK, Status.UNKNOWN) and (step.health or step.port is not None):
        aspect = "health" if step.port is None else f"port {step.port}"
        answer = Expectation(step.layer, step.name, aspect, _ANSWERS, step.id)
        yield compare(answer, partial(_answer, step, running))


def _drop_ins(step: Service) -> Iterator[Item]:
    """Files that change what the unit says, and that the rig knows nothing of."""
    for folder in _FOLDERS:
        for path in sorted(Path(folder, f"{step.name}.d").glob("*.conf")):
            found = f"changes {step.name}"
            yield Item(step.layer, str(path), "drop-in", None, found, Status.EXTRA, step.id)


def _running(name: str) -> str | None:
    if not os.path.isdir("/run/systemd/system"):
        raise ProbeError("systemd does not run here")
    return _said("is-active", name)


def _answer(step: Service, running: Item) -> str:
    """The service's own health check speaks where it has one, else whoever listens on its port."""
    if running.status is Status.UNKNOWN:
        raise ProbeError(running.reason or "")
    try:
        if step.health:
            given = tuple(
                (variable.name, ":".join(variable.values))
                for variable in step.variables
                if not variable.prepend
            )
            command(step.health, environment=given)
        elif step.port is not None:
            socket.create_connection((step.address, step.port), timeout=_SECONDS).close()
    except ProbeError as error:
        return str(error)
    except OSError as error:
        return error.strerror or str(error)
    return _ANSWERS


def _said(question: str, name: str) -> str | None:
    return command(("systemctl", question, name), fails=True) or None
