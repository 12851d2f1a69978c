"""Check a group and its members."""

from __future__ import annotations

import grp
from collections.abc import Iterator
from functools import partial

from rigspec.plan.inspection.expectation import Expectation, compare
from rigspec.plan.inspection.findings import Finding, Inspection
from rigspec.plan.steps.group import GroupStep

__all__ = ["check"]


def check(step: GroupStep, _: Inspection) -> Iterator[Finding]:
    """Check a group, and its members if the rig sets them."""
    if step.members is None:
        expectation = Expectation(step.layer, step.name, "group", "present", step.id)
        yield compare(
            expectation, lambda: "present" if _find_group(step.name) is not None else None
        )
        return
    expected = ", ".join(step.members) or "none"
    yield compare(
        Expectation(step.layer, step.name, "members", expected, step.id),
        partial(_members, step.name),
    )


def _find_group(name: str) -> grp.struct_group | None:
    try:
        return grp.getgrnam(name)
    except KeyError:
        return None


def _members(name: str) -> str | None:
    entry = _find_group(name)
    return None if entry is None else ", ".join(entry.gr_mem) or "none"
