"""Check the files that an installer created."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.plan.inspection.files import check_unpacked_files
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.installer import InstallerStep

__all__ = ["check"]


def check(step: InstallerStep, _: Inspection) -> Iterator[Finding]:
    """Check the files that an installer created, as far as they are recorded."""
    yield from check_unpacked_files(step)
