"""Check the target of a symbolic link."""

from __future__ import annotations

import os
from collections.abc import Iterator

from rigspec.plan.inspection.expectation import Expectation, compare
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec_symlink import SymlinkStep

__all__ = ["check"]


def check(step: SymlinkStep, _: Inspection) -> Iterator[Finding]:
    """Check the target."""
    expectation = Expectation(step.layer, step.path, "target", step.target, step.id)
    yield compare(expectation, lambda: _read_target(step.path))


def _read_target(path: str) -> str | None:
    return os.readlink(path) if os.path.islink(path) else None
