"""Check the source lines of the distribution's archive."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rigspec.plan.inspection.expectation import Expectation, compare, read_text
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.apt_source import AptSourceStep

__all__ = ["check", "read_addresses"]


def check(step: AptSourceStep, _: Inspection) -> Iterator[Finding]:
    """Check the source lines of the distribution's archive."""
    list_file = f"/etc/apt/sources.list.d/{step.name}.list"
    expected = "; ".join(_strip_options(entry) for entry in step.entries)
    yield compare(
        Expectation(step.layer, step.name, "source", expected, step.id),
        lambda: read_addresses(list_file),
    )


def read_addresses(list_file: str) -> str | None:
    """Return the source lines of a file without their options, or None if it does not exist."""
    text = read_text(list_file)
    if text is None:
        return None
    lines = [line for line in text.splitlines() if line.startswith("deb ")]
    return "; ".join(_strip_options(line) for line in lines)


def _strip_options(line: str) -> str:
    """Return a source line without its options."""
    return re.sub(r"^deb (?:\[[^\]]*\] )?", "", line).strip()
