"""Check the owner and mode of a directory."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.plan.inspection.files import check_attributes
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.access import AccessStep

__all__ = ["check"]


def check(step: AccessStep, _: Inspection) -> Iterator[Finding]:
    """Check the owner and mode of a directory."""
    yield from check_attributes(step.layer, step.path, step.id, owner=step.owner, mode=step.mode)
