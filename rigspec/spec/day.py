"""A day has 24 hours: those in which a machine computes and those in which it is idle."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.spec.document import Document
from rigspec.spec.model import Rig

__all__ = ["hours_exceed_day"]

_DAY = Decimal(24)


def hours_exceed_day(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """An error for every machine that computes and idles for more than a day a day."""
    for name, machine in rig.machine.items():
        hours = Decimal(str(machine.hours or 0))
        if hours + Decimal(str(machine.idle_hours)) <= _DAY:
            continue
        key = f"machine.{name}.idle_hours"
        left = _DAY - hours
        yield Diagnostic(
            code="RS003",
            severity=Severity.ERROR,
            message=f"`{key}`: a day has 24 hours; beside {hours.normalize():f} of computing "
            f"the most that makes sense here is {left.normalize():f}",
            spans=(
                document.span(("machine", name, "idle_hours")),
                document.span(("machine", name, "hours"), label="these, too"),
            ),
        )
