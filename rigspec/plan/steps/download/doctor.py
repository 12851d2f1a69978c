"""Check a downloaded file."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.plan.inspection.files import check_attributes
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.download import DownloadStep

__all__ = ["check"]


def check(step: DownloadStep, _: Inspection) -> Iterator[Finding]:
    """Check a downloaded file."""
    sha256 = step.file.sha256
    yield from check_attributes(
        step.layer, step.to, step.id, sha256=sha256, owner="root:root", mode=step.mode
    )
