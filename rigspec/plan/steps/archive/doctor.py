"""Check the unpacked files of an archive."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.plan.inspection.files import check_unpacked_files
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.archive import ArchiveStep

__all__ = ["check"]


def check(step: ArchiveStep, _: Inspection) -> Iterator[Finding]:
    """Check the unpacked files of an archive, as far as they are recorded."""
    yield from check_unpacked_files(step)
