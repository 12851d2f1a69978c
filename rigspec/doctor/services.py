"""Services: the unit as it was compiled, enabled, and running where systemd runs."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

from rigspec.doctor.host import CannotSee, Promise, command, held
from rigspec.doctor.model import Item
from rigspec.doctor.places import attributes_of, content_digest
from rigspec.plan.steps import Service

__all__ = ["service"]

_SECONDS = 5


def service(step: Service) -> Iterator[Item]:
    """A unit of systemd: its text, where no package brings it, and whether it is in force."""
    if step.unit:
        yield from attributes_of(
            step.part,
            f"/etc/systemd/system/{step.name}",
            step.id,
            owner="root:root",
            mode="0644",
            sha256=content_digest(step.unit),
        )
    enabled = Promise(step.part, step.name, "enabled", "enabled", step.id)
    yield held(enabled, lambda: _said("is-enabled", step.name))
    active = Promise(step.part, step.name, "active", "active", step.id)
    yield held(active, lambda: _running(step.name))
    if step.port is not None:
        answer = Promise(step.part, step.name, f"port {step.port}", "answers", step.id)
        yield held(answer, lambda: _answer(step.address, step.port or 0))


def _running(name: str) -> str | None:
    if not os.path.isdir("/run/systemd/system"):
        raise CannotSee("systemd does not run here")
    return _said("is-active", name)


def _answer(address: str, port: int) -> str | None:
    if not os.path.isdir("/run/systemd/system"):
        raise CannotSee("systemd does not run here")
    try:
        with socket.create_connection((address, port), timeout=_SECONDS):
            return "answers"
    except OSError:
        return None


def _said(question: str, name: str) -> str | None:
    return command(("systemctl", question, name), fails=True) or None
