"""Run the checks of the plan, except those that other modules cover per package."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial

from rigspec.doctor.expectation import Expectation, ProbeError, compare, run_command
from rigspec.doctor.model import Item
from rigspec.lock.paths import get_installed_lock_path
from rigspec.plan.model import Plan
from rigspec.plan.paths import CHECK_PACKAGES, VERIFY_PACKAGES
from rigspec.plan.steps import Check, Step, VerifyStep

__all__ = ["run_checks"]


def run_checks(step: VerifyStep, plan: Plan, steps: Sequence[Step]) -> Iterator[Item]:
    """Run each check of the layers that the steps build."""
    layers = {step.layer for step in steps}
    excluded = {step.layer for step in plan.steps} - layers
    programs = {get_installed_lock_path(VERIFY_PACKAGES), get_installed_lock_path(CHECK_PACKAGES)}
    for check in step.checks:
        if (
            check.layer in excluded
            or programs & set(check.command)
            or _checks_interpreter(check, plan)
        ):
            continue
        expected = " ".join(check.expect.split("\n"))
        expectation = Expectation(check.layer, check.title, "check", expected, step.id)
        yield compare(expectation, partial(_run_check, check))


def _checks_interpreter(check: Check, plan: Plan) -> bool:
    """Return whether the check runs the interpreter of an environment, checked elsewhere."""
    pythons = {getattr(step, "python", None) for step in plan.steps}
    return check.layer == "env" and check.command[0] in pythons


def _run_check(check: Check) -> str | None:
    if check.requires_root and os.geteuid() != 0:
        raise ProbeError("requires root")
    output = " ".join(run_command(check.command, fails=True).splitlines())
    return None if check.expect and not output else output
