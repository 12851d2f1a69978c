"""Steps for services: packages, configuration and units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import resources

from rigspec.lock.model import LockedMachine, LockedService
from rigspec.lock.services import part_of
from rigspec.plan.layers.apt import package_list_file, packages_of
from rigspec.plan.model import PayloadFile
from rigspec.plan.paths import GPU_METRICS, service_packages
from rigspec.plan.services.dyndns import dyndns_steps
from rigspec.plan.services.monitoring import (
    exporter_steps,
    exports_gpu_metrics,
    prometheus_steps,
)
from rigspec.plan.services.ssh import guard_steps, ssh_steps
from rigspec.plan.services.tmux import session_steps
from rigspec.plan.steps import AptPackagesStep, ServiceStep, Step
from rigspec.spec.models.rig import Rig

__all__ = ["service_files", "service_steps", "unsupported_services"]

# The parts that have services, and the titles of their package steps.
_TITLES = {
    "service": "Packages: services",
    "host-service": "Packages: monitoring and dynamic DNS",
    "tmux": "Packages: tmux",
}


def service_steps(rig: Rig, locked: LockedMachine) -> Iterator[Step]:
    """Yield the steps of all services. They come after the accounts."""
    for part, title in _TITLES.items():
        steps = [
            step
            for service in locked.services
            if part_of(service.name) == part
            for step in _steps_for(rig, locked, service)
        ]
        yield from _order_steps(steps, locked, part, title)


def service_files(rig: Rig, locked: LockedMachine) -> Iterator[PayloadFile]:
    """Yield the programs that services run."""
    if exports_gpu_metrics(rig, locked):
        text = (resources.files("rigspec.plan") / "payload" / GPU_METRICS).read_text("utf-8")
        yield PayloadFile(GPU_METRICS, text)


def unsupported_services(rig: Rig, locked: LockedMachine) -> tuple[str, ...]:
    """Return the services of the spec that no step sets up."""
    supported = {service.name for service in locked.services}
    if locked.notebook is not None:
        supported.add("jupyter")
    if "node_exporter" in supported:
        supported.add("monitoring")
    names = ("ssh", "jupyter", "tmux", "dyndns", "monitoring")
    return tuple(name for name in names if getattr(rig.service, name) and name not in supported)


def _order_steps(
    steps: Iterable[Step], locked: LockedMachine, part: str, title: str
) -> Iterator[Step]:
    """Put configuration before packages if possible: a service starts when it is installed."""
    units = [step for step in steps if isinstance(step, ServiceStep)]
    settings = [step for step in steps if not isinstance(step, ServiceStep)]
    packages = packages_of(locked, part)
    yield from (step for step in settings if not step.needs)
    if packages:
        yield AptPackagesStep(
            id=service_packages(part),
            title=title,
            layer=part,
            packages=packages,
            package_list=package_list_file(locked, part),
        )
    yield from (step for step in settings if step.needs)
    yield from units


def _steps_for(rig: Rig, locked: LockedMachine, service: LockedService) -> Iterator[Step]:
    match service.name:
        case "ssh":
            yield from ssh_steps(rig, service)
        case "fail2ban":
            yield from guard_steps(rig, service)
        case "tmux":
            yield from session_steps(rig, locked, service)
        case "dyndns":
            yield from dyndns_steps(rig, service)
        case "node_exporter":
            yield from exporter_steps(rig, service)
        case "prometheus":
            yield from prometheus_steps(rig, service)
