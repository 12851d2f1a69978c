"""Run the checks of the plan, except those that other modules cover per package."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial

from rigspec.lock.paths import get_installed_lock_path
from rigspec.plan.inspection.expectation import Expectation, ProbeError, compare, run_command
from rigspec.plan.inspection.findings import Finding, Fix, Inspection
from rigspec.plan.model import Plan
from rigspec.plan.paths import CHECK_PACKAGES, VERIFY_PACKAGES
from rigspec.plan.steps.verify import Check, VerifyStep

__all__ = ["check", "fix"]


def check(step: VerifyStep, inspection: Inspection) -> Iterator[Finding]:
    """Run each check of the layers that the steps build."""
    plan, steps = inspection.plan, inspection.steps
    layers = {step.layer for step in steps}
    excluded = {step.layer for step in plan.steps} - layers
    programs = {get_installed_lock_path(VERIFY_PACKAGES), get_installed_lock_path(CHECK_PACKAGES)}
    for each in step.checks:
        if (
            each.layer in excluded
            or programs & set(each.command)
            or _checks_interpreter(each, plan)
        ):
            continue
        expected = " ".join(each.expect.split("\n"))
        expectation = Expectation(each.layer, each.title, "check", expected, step.id)
        yield compare(expectation, partial(_run_check, each))


def fix(step: VerifyStep, findings: Sequence[Finding]) -> Fix:
    """Return a comment: the checks pass when the other steps are fixed."""
    return Fix((f"# {step.title}: fixed by the commands above",), rerun=False)


def _checks_interpreter(check: Check, plan: Plan) -> bool:
    """Return whether the check runs the interpreter of an environment, checked elsewhere."""
    pythons = {getattr(step, "python", None) for step in plan.steps}
    return check.layer == "env" and check.command[0] in pythons


def _run_check(check: Check) -> str | None:
    if check.requires_root and os.geteuid() != 0:
        raise ProbeError("requires root")
    output = " ".join(run_command(check.command, fails=True).splitlines())
    return None if check.expect and not output else output
