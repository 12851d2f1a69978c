"""The plan's own checks, but for those that the doctor makes package by package."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial

from rigspec.doctor.expectation import Expectation, ProbeError, command, compare
from rigspec.doctor.model import Item
from rigspec.lock.paths import installed_lock_path
from rigspec.plan.model import Plan
from rigspec.plan.paths import CHECK_PACKAGES, VERIFY_PACKAGES
from rigspec.plan.steps import Check, Step, Verify

__all__ = ["checks"]


def checks(step: Verify, plan: Plan, steps: Sequence[Step]) -> Iterator[Item]:
    """Each check whose layer these steps build."""
    built = {found.layer for found in steps}
    left = {found.layer for found in plan.steps} - built
    programs = {installed_lock_path(VERIFY_PACKAGES), installed_lock_path(CHECK_PACKAGES)}
    for check in step.checks:
        if check.layer in left or programs & set(check.command) or _of_interpreter(check, plan):
            continue
        expected = " ".join(check.expect.split("\n"))
        promise = Expectation(check.layer, check.title, "check", expected, step.id)
        yield compare(promise, partial(_said, check))


def _of_interpreter(check: Check, plan: Plan) -> bool:
    """Whether it asks an environment's interpreter, which is a promise of that environment."""
    pythons = {getattr(step, "python", None) for step in plan.steps}
    return check.layer == "env" and check.command[0] in pythons


def _said(check: Check) -> str | None:
    if check.requires_root and os.geteuid() != 0:
        raise ProbeError("only root can ask")
    said = " ".join(command(check.command, fails=True).splitlines())
    return None if check.expect and not said else said
