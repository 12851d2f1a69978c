"""Check the packages of a separate build: they are part of those of the environment."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.package_build import PackageBuildStep

__all__ = ["check"]


def check(step: PackageBuildStep, _: Inspection) -> Iterator[Finding]:
    """Yield nothing: the step of the environment reports its packages."""
    yield from ()
