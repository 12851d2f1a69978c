"""Build a diagnosis from a plan, with a check for each kind of step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rigspec.doctor.checks import accounts, apt, certificates, files, kernel, login_shell, services
from rigspec.doctor.checks.environments import check_environment
from rigspec.doctor.checks.verify import run_checks
from rigspec.doctor.checks.version_probes import build_version_checks
from rigspec.doctor.model import Diagnosis, Item, Status
from rigspec.plan import steps as kinds
from rigspec.plan.model import Plan
from rigspec.plan.steps import Step

__all__ = ["diagnose"]


def diagnose(plan: Plan, steps: Sequence[Step], texts: Mapping[str, str], target: str) -> Diagnosis:
    """Check this machine against ``steps`` of the plan.

    ``texts`` are the files that the target writes, by name.
    """
    unsorted = [item for step in steps for item in _check_step(step, plan, steps, texts)]
    unsorted += build_version_checks(plan, steps)
    items = sorted(unsorted, key=lambda item: (item.layer, item.name, item.aspect))
    return Diagnosis(plan.rig, plan.machine, target, plan.lock_digest, tuple(items))


def _check_step(
    step: Step, plan: Plan, steps: Sequence[Step], texts: Mapping[str, str]
) -> Iterator[Item]:
    match step:
        case kinds.PlatformStep():
            yield from apt.check_platform(step)
        case kinds.AptRepositoryStep():
            yield from apt.check_repository(step)
        case kinds.AptSourceStep():
            yield from apt.check_source(step)
        case kinds.AptPackagesStep():
            yield from apt.check_packages(step)
        case kinds.EnvironmentStep():
            yield from check_environment(step, plan)
        case kinds.FileStep():
            yield from files.check_file(step)
        case kinds.DownloadStep():
            yield from files.check_download(step)
        case kinds.ArchiveStep() | kinds.InstallerStep() | kinds.SourceBuildStep():
            yield from files.check_unpacked_files(step)
        case kinds.VariablesStep():
            yield from login_shell.check_variables(step, texts.get(step.id))
        case kinds.EnvironmentVariablesStep():
            yield from login_shell.check_environment_variables(step, texts)
        case kinds.GroupStep():
            yield from accounts.check_group(step)
        case kinds.AccessStep():
            yield from files.check_access(step)
        case kinds.QuotaStep():
            yield from accounts.check_quota(step)
        case kinds.UserStep():
            yield from accounts.check_user(step)
        case kinds.SecretStep():
            yield from files.check_secret(step)
        case kinds.CertificateStep():
            yield from certificates.check_certificate(step)
        case kinds.ServiceStep():
            yield from services.check_service(step)
        case kinds.KernelArgumentsStep():
            yield from kernel.check_arguments(step)
        case kinds.RebootStep():
            yield from kernel.check_reboot(step)
        case kinds.VerifyStep():
            yield from run_checks(step, plan, steps)
        case _:
            reason = f"steps of kind {step.kind} are not checked"
            yield Item(
                step.layer, step.id, "step", step.title, None, Status.UNKNOWN, step.id, reason
            )
