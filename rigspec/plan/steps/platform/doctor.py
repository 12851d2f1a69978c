"""Check distribution, release and architecture."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Sequence

from rigspec.plan.inspection.expectation import Expectation, compare, read_text
from rigspec.plan.inspection.findings import Finding, Fix, Inspection
from rigspec.plan.steps.platform import PlatformStep

__all__ = ["check", "fix"]


def check(step: PlatformStep, _: Inspection) -> Iterator[Finding]:
    """Check distribution, release and architecture."""
    expected = f"{step.distribution} {step.release}"
    expectation = Expectation(step.layer, "os", "release", expected, step.id)
    yield compare(expectation, lambda: _read_release(expected))
    yield compare(Expectation(step.layer, "arch", "machine", step.arch, step.id), platform.machine)


def fix(step: PlatformStep, findings: Sequence[Finding]) -> Fix:
    """Return a comment: a machine keeps its platform."""
    return Fix(("# wrong platform: this cannot be fixed",), rerun=False)


def _read_release(expected: str) -> str | None:
    """Return the release; as it is expected if it only states a minor release as well."""
    text = read_text("/etc/os-release")
    if text is None:
        return None
    # VERSION_ID is the release in a spec; a rolling distribution has none.
    values = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\n]*)"?$', text, re.MULTILINE))
    found = " ".join(values[key] for key in ("ID", "VERSION_ID") if key in values)
    return expected if found.startswith(f"{expected}.") else found
