"""Generate the commands that fix differences. They are printed, not run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from rigspec.doctor.model import Diagnosis
from rigspec.plan.inspection.findings import Finding, Fix
from rigspec.plan.steps import Step
from rigspec.plan.steps.registry import find_step_kinds

__all__ = ["list_fix_commands"]


def list_fix_commands(diagnosis: Diagnosis, steps: Sequence[Step]) -> Iterator[str]:
    """Yield shell commands for each step with a difference, in the order of the plan.

    The stamp of a step is removed first, so that the installer runs it again.
    """
    broken = _add_affected({item.step for item in diagnosis.differences}, steps)
    reboot = False
    for step in steps:
        if step.id in broken:
            findings = [item for item in diagnosis.differences if item.step == step.id]
            yield from _fix_step(step, findings)
            reboot = reboot or step.fix_requires_reboot
    if reboot:
        yield "# then reboot: drivers and kernel arguments take effect at boot"


def _add_affected(broken: set[str], steps: Sequence[Step]) -> set[str]:
    """Return the ids with those of the steps that must be run again after them."""
    recreated = {step.recreates for step in steps if step.id in broken and step.recreates}
    broken = broken | {step.id for step in steps if step.changes_inside in recreated}
    return broken | {step.id for step in steps if broken & set(step.restarts_after)}


def _fix_step(step: Step, findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the commands that the kind has, and those that run the step again if necessary."""
    module = find_step_kinds()[step.kind].import_module("doctor")
    list_fixes = getattr(module, "fix", None)
    fix: Fix = list_fixes(step, findings) if list_fixes is not None else Fix()
    yield from fix.commands
    if fix.rerun:
        yield f"# {step.title}"
        yield f"rm -f {shlex.quote(f'/var/lib/rig/{step.id}')}"
        yield f"install.sh --step {shlex.quote(step.id)}"
