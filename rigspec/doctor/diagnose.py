"""From a plan to a diagnosis: an observer for each kind of step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rigspec.doctor.checks import accounts, apt, certificates, files, kernel, login_shell, services
from rigspec.doctor.checks.environments import environment
from rigspec.doctor.checks.installed_versions import installed_version_checks
from rigspec.doctor.checks.verify import checks
from rigspec.doctor.model import Diagnosis, Item, Status
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
            yield from apt.platform_items(step)
        case kinds.AptRepository():
            yield from apt.repository(step)
        case kinds.AptSource():
            yield from apt.source(step)
        case kinds.AptPackages():
            yield from apt.packages(step)
        case kinds.Environment():
            yield from environment(step, plan)
        case kinds.File():
            yield from files.file(step)
        case kinds.Download():
            yield from files.download(step)
        case kinds.Archive() | kinds.Installer():
            yield from files.unpacked_files(step)
        case kinds.Variables():
            yield from login_shell.variables(step, texts.get(step.id))
        case kinds.EnvironmentVariables():
            yield from login_shell.environment_variables(step, texts)
        case kinds.Group():
            yield from accounts.group(step)
        case kinds.Access():
            yield from files.access(step)
        case kinds.Quota():
            yield from accounts.quota(step)
        case kinds.User():
            yield from accounts.user(step)
        case kinds.Secret():
            yield from files.secret(step)
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
                step.layer, step.id, "step", step.title, None, Status.UNKNOWN, step.id, reason
            )
