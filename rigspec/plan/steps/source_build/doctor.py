"""Check the files of a build."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.plan.inspection.files import check_unpacked_files
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.source_build import SourceBuildStep

__all__ = ["check"]


def check(step: SourceBuildStep, _: Inspection) -> Iterator[Finding]:
    """Check the files of a build, as far as they are recorded."""
    yield from check_unpacked_files(step)
