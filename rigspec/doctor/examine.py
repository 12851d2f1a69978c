"""From a plan to a diagnosis: an observer for each kind of step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rigspec.doctor import accounts, certificates, kernel, places, services, session, system
from rigspec.doctor.checks import checks
from rigspec.doctor.environments import environment
from rigspec.doctor.model import Diagnosis, Item, Status
from rigspec.doctor.witnesses import installed_version_checks
from rigspec.plan import steps as kinds
from rigspec.plan.model import Plan
from rigspec.plan.steps import Step

__all__ = ["diagnose"]


def diagnose(plan: Plan, steps: Sequence[Step], texts: Mapping[str, str], target: str) -> Diagnosis:
    """Hold this machine against what ``steps`` of the plan promise.

    ``texts`` are the contents that a target puts on the machine, by the id of their step.
    """
    found = [item for step in steps for item in _check_step(step, plan, steps, texts)]
    found += installed_version_checks(plan, steps)
    items = sorted(found, key=lambda item: (item.layer, item.name, item.aspect))
    return Diagnosis(plan.rig, plan.machine, target, plan.lock_digest, tuple(items))


def _check_step(
    step: Step, plan: Plan, steps: Sequence[Step], texts: Mapping[str, str]
) -> Iterator[Item]:
    match step:
        case kinds.Platform():
            yield from system.platform_items(step)
        case kinds.AptRepository():
            yield from system.repository(step)
        case kinds.AptSource():
            yield from system.source(step)
        case kinds.AptPackages():
            yield from system.packages(step)
        case kinds.Environment():
            yield from environment(step, plan)
        case kinds.File():
            yield from places.file(step)
        case kinds.Download():
            yield from places.download(step)
        case kinds.Archive() | kinds.Installer():
            yield from places.unpacked_files(step)
        case kinds.Variables():
            yield from session.variables(step, texts.get(step.id))
        case kinds.EnvironmentVariables():
            yield from session.environment_variables(step, texts)
        case kinds.Group():
            yield from accounts.group(step)
        case kinds.Access():
            yield from places.access(step)
        case kinds.Quota():
            yield from accounts.quota(step)
        case kinds.User():
            yield from accounts.user(step)
        case kinds.Secret():
            yield from places.secret(step)
        case kinds.Certificate():
            yield from certificates.certificate(step)
        case kinds.Service():
            yield from services.service(step)
        case kinds.KernelArguments():
            yield from kernel.arguments(step)
        case kinds.Reboot():
            yield from kernel.reboot(step)
        case kinds.Verify():
            yield from checks(step, plan, steps)
        case _:
            reason = f"nobody looks at steps of kind {step.kind}"
            yield Item(
                step.part, step.id, "step", step.title, None, Status.UNKNOWN, step.id, reason
            )
