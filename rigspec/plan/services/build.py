"""Steps for services: packages, configuration and units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import resources

from rigspec.lock.model import LockedMachine, LockedService
from rigspec.lock.services import get_part
from rigspec.plan.layers.apt import get_package_list_file, select_packages
from rigspec.plan.model import PayloadFile
from rigspec.plan.paths import GPU_METRICS, service_packages
from rigspec.plan.services.dyndns import build_dyndns_steps
from rigspec.plan.services.monitoring import (
    build_exporter_steps,
    build_prometheus_steps,
    exports_gpu_metrics,
)
from rigspec.plan.services.ssh import build_guard_steps, build_ssh_steps
from rigspec.plan.services.tmux import build_session_steps
from rigspec.plan.steps import AptPackagesStep, ServiceStep, Step
from rigspec.spec.models.rig import Rig

__all__ = ["build_service_files", "build_service_steps", "list_unsupported_services"]

# The parts that have services, and the titles of their package steps.
_TITLES = {
    "service": "Packages: services",
    "host-service": "Packages: monitoring and dynamic DNS",
    "tmux": "Packages: tmux",
}


def build_service_steps(rig: Rig, locked: LockedMachine) -> Iterator[Step]:
    """Yield the steps of all services. They come after the accounts."""
    for part, title in _TITLES.items():
        steps = [
            step
            for service in locked.services
            if get_part(service.name) == part
            for step in _steps_for(rig, locked, service)
        ]
        yield from _order_steps(steps, locked, part, title)


def build_service_files(rig: Rig, locked: LockedMachine) -> Iterator[PayloadFile]:
    """Yield the programs that services run."""
    if exports_gpu_metrics(rig, locked):
        text = (resources.files("rigspec.plan") / "payload" / GPU_METRICS).read_text("utf-8")
        yield PayloadFile(GPU_METRICS, text)


def list_unsupported_services(rig: Rig, locked: LockedMachine) -> tuple[str, ...]:
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
    packages = select_packages(locked, part)
    yield from (step for step in settings if not step.needs)
    if packages:
        yield AptPackagesStep(
            id=service_packages(part),
            title=title,
            layer=part,
            packages=packages,
            package_list=get_package_list_file(locked, part),
        )
    yield from (step for step in settings if step.needs)
    yield from units


def _steps_for(rig: Rig, locked: LockedMachine, service: LockedService) -> Iterator[Step]:
    match service.name:
        case "ssh":
            yield from build_ssh_steps(rig, service)
        case "fail2ban":
            yield from build_guard_steps(rig, service)
        case "tmux":
            yield from build_session_steps(rig, locked, service)
        case "dyndns":
            yield from build_dyndns_steps(rig, service)
        case "node_exporter":
            yield from build_exporter_steps(rig, service)
        case "prometheus":
            yield from build_prometheus_steps(rig, service)
