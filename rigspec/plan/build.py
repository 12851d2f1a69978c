"""Build the plan of one machine from a spec and its lock."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.lock.model import Lock, LockedImage, LockedMachine
from rigspec.lock.oci.choice import get_default_image
from rigspec.lock.previous import IMAGE
from rigspec.plan.container_users import list_container_users
from rigspec.plan.layers.accounts import (
    build_access_steps,
    build_quota_steps,
    build_user_steps,
    group_steps,
)
from rigspec.plan.layers.apt import build_source_steps, build_system_steps
from rigspec.plan.layers.cuda import build_accelerator_steps
from rigspec.plan.layers.driver import build_fabric_service, list_driver_omissions
from rigspec.plan.layers.engine import build_engine_steps
from rigspec.plan.layers.environment_variables import (
    build_file_steps,
    build_session_steps,
    list_environment_variables,
)
from rigspec.plan.layers.python import build_environment_steps, build_payload_files
from rigspec.plan.mirrors import apply_mirrors
from rigspec.plan.model import BaseImage, DeploymentTarget, Omission, Plan
from rigspec.plan.requests import list_requested_environments
from rigspec.plan.services.base import ServiceContext
from rigspec.plan.services.build import build_service_steps, list_unsupported_services
from rigspec.plan.settings import RigSettings, read_settings
from rigspec.plan.steps import KernelArgumentsStep, PlatformStep, RebootStep, SecretStep, Step
from rigspec.plan.verification import verify_step
from rigspec.resolution import Resolution
from rigspec.spec.image_reference import ImageReference
from rigspec.spec.machine_limits import limit_to_machine
from rigspec.spec.models.rig import Rig

__all__ = ["build_plan"]


def build_plan(rig: Rig, lock: Lock, machine: str | None, lock_digest: str) -> Plan:
    """Return the plan of one machine. It depends on the spec and the lock only.

    Raises:
        KeyError: The lock does not contain the machine.

    """
    locked = _find_machine(lock, machine)
    rig = limit_to_machine(rig, machine)
    settings = read_settings(rig, locked)
    locked = apply_mirrors(rig.mirrors, locked)
    return Plan(
        rig=settings.name,
        summary=settings.summary,
        machine=machine,
        resolution=locked.resolution,
        locked=locked,
        requested=list_requested_environments(rig, locked),
        steps=tuple(_build_steps(settings, locked)),
        payload=build_payload_files(settings, locked),
        omissions=tuple(_find_omissions(settings, locked)),
        base=_find_base_image(settings, locked),
        lock_digest=lock_digest,
        container_users=tuple(list_container_users(settings, locked)),
        has_driver_container=settings.has_driver_container,
        gpus=settings.gpus,
        deployment=_deployment_target(settings),
        cuda_home=locked.toolkit.home if locked.toolkit is not None else None,
        has_other_machines=len(rig.machine) > 1,
    )


def _find_machine(lock: Lock, name: str | None) -> LockedMachine:
    for machine in lock.machines:
        if machine.resolution.machine == name:
            return machine
    raise KeyError(name)


def _build_steps(rig: RigSettings, locked: LockedMachine) -> Iterator[Step]:
    yield _platform_step(locked.resolution)
    yield from build_source_steps(rig, locked)
    yield from build_system_steps(locked)
    yield from build_accelerator_steps(rig, locked)
    yield from build_engine_steps(locked)
    yield from build_environment_steps(rig, locked)
    yield from build_file_steps(rig, locked)
    env_variables = tuple(list_environment_variables(rig, locked))
    yield from env_variables
    yield from group_steps(rig)
    yield from build_user_steps(rig, locked)
    yield from build_access_steps(rig, locked)
    yield from build_quota_steps(rig)
    session = tuple(build_session_steps(rig, locked))
    yield from session
    context = ServiceContext(rig, locked, session[0] if session else None, env_variables)
    services = tuple(build_service_steps(context))
    yield from services
    yield from _kernel_steps(rig, locked)
    yield from build_fabric_service(locked)
    secrets = [step for step in services if isinstance(step, SecretStep)]
    yield verify_step(rig, locked, secrets)


def _deployment_target(rig: RigSettings) -> DeploymentTarget:
    seed = rig.mirrors.seed
    if rig.instance is None:
        return DeploymentTarget(seed=seed)
    provider, _, instance = rig.instance.strip().partition(" ")
    if not instance:
        return DeploymentTarget(cloud=True, seed=seed)
    return DeploymentTarget(
        cloud=True, provider=provider.lower(), instance=instance.strip(), seed=seed
    )


def _platform_step(resolution: Resolution) -> PlatformStep:
    distribution, release = resolution.os.split()
    return PlatformStep(
        id="platform",
        title=f"Platform: {resolution.os} on {resolution.arch}",
        layer="platform",
        distribution=distribution,
        release=release,
        arch=resolution.arch,
    )


def _kernel_steps(rig: RigSettings, locked: LockedMachine) -> Iterator[Step]:
    arguments = rig.kernel_arguments
    if arguments:
        yield KernelArgumentsStep(
            id="kernel-arguments",
            title="Kernel arguments",
            layer="kernel",
            arguments=arguments,
        )
    if arguments or any(package.part == "driver" for package in locked.packages):
        yield RebootStep(
            id="reboot",
            title="Reboot for driver and kernel arguments",
            layer="driver",
            reason="kernel modules and kernel arguments take effect at boot",
        )


def _find_omissions(rig: RigSettings, locked: LockedMachine) -> Iterator[Omission]:
    yield from list_driver_omissions(locked)
    services = list_unsupported_services(rig, locked)
    if services:
        yield Omission(
            f"services ({', '.join(services)})",
            "not supported on this operating system; set them up manually",
        )
    for item in locked.unpinned:
        is_base_image = item.part == IMAGE
        yield Omission(f"pinning of {item.what}", item.reason, is_base_image=is_base_image)


def _find_base_image(rig: RigSettings, locked: LockedMachine) -> BaseImage:
    image = locked.image or LockedImage(get_default_image(locked.resolution.os))
    reference = ImageReference.parse(image.reference).with_registry(rig.mirrors.images).name
    if image.digest is not None:
        return BaseImage(reference, image.digest)
    reason = next((u.reason for u in locked.unpinned if u.part == IMAGE), None)
    return BaseImage(reference, None, reason or "the lock has no digest for it")
