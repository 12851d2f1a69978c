"""Check a file of the rig: content, owner and mode."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.plan.inspection.files import check_attributes
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.base import compute_digest
from rigspec.plan.steps.file import FileStep

__all__ = ["check"]


def check(step: FileStep, _: Inspection) -> Iterator[Finding]:
    """Check a file of the rig."""
    digest = compute_digest(step.content)
    yield from check_attributes(
        step.layer, step.path, step.id, sha256=digest, owner=step.owner, mode=step.mode
    )
