"""Build a diagnosis from a plan: each kind of step has a module with its checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rigspec.doctor.model import Diagnosis
from rigspec.doctor.version_probes import build_version_checks
from rigspec.plan.inspection.findings import Finding, Inspection, Status
from rigspec.plan.model import Plan
from rigspec.plan.steps import Step
from rigspec.plan.steps.registry import find_step_kinds

__all__ = ["diagnose"]


def diagnose(plan: Plan, steps: Sequence[Step], texts: Mapping[str, str], target: str) -> Diagnosis:
    """Check this machine against ``steps`` of the plan.

    ``texts`` are the files that the target writes, by name.
    """
    inspection = Inspection(plan, tuple(steps), texts)
    unsorted = [finding for step in steps for finding in _check_step(step, inspection)]
    unsorted += build_version_checks(plan, steps)
    items = sorted(unsorted, key=lambda item: (item.layer, item.name, item.aspect))
    return Diagnosis(plan.rig, plan.machine, target, plan.lock_digest, tuple(items))


def _check_step(step: Step, inspection: Inspection) -> Iterator[Finding]:
    module = find_step_kinds()[step.kind].import_module("doctor")
    if module is not None:
        yield from module.check(step, inspection)
        return
    reason = f"steps of kind {step.kind} are not checked"
    yield Finding(step.layer, step.id, "step", step.title, None, Status.UNKNOWN, step.id, reason)
