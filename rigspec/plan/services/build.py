"""Build the steps of all services: packages, configuration and units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rigspec.lock.model import LockedMachine
from rigspec.plan.layers.apt import build_package_step
from rigspec.plan.model import PayloadFile
from rigspec.plan.paths import service_packages
from rigspec.plan.services.base import ServiceContext
from rigspec.plan.services.registry import find_services
from rigspec.plan.settings import RigSettings
from rigspec.plan.steps import Check, ServiceStep, Step
from rigspec.spec.other_services import list_other_services

__all__ = [
    "build_service_checks",
    "build_service_files",
    "build_service_steps",
    "list_unsupported_services",
]

# The layers that have packages of services, and the titles of their package steps.
_TITLES = {
    "service": "Packages: services",
    "host-service": "Packages: monitoring and dynamic DNS",
    "tmux": "Packages: tmux",
}
# The layer of services that are not part of the spec language.
_OTHERS_LAYER = "host-service"


def build_service_steps(context: ServiceContext) -> Iterator[Step]:
    """Yield the steps of all services. They come after the accounts."""
    steps = [step for each in find_services().values() for step in each.build_steps(context)]
    titles = dict(_TITLES)
    if list_other_services(context.rig.service):
        titles[_OTHERS_LAYER] = "Packages: host services"
    for layer, title in titles.items():
        in_layer = [step for step in steps if step.layer == layer]
        yield from _order_steps(in_layer, context.locked, layer, title)
    yield from (step for step in steps if step.layer not in _TITLES)


def build_service_files(rig: RigSettings, locked: LockedMachine) -> Iterator[PayloadFile]:
    """Yield the programs that services run."""
    context = ServiceContext(rig, locked)
    for service in find_services().values():
        yield from service.build_files(context)


def build_service_checks(rig: RigSettings, locked: LockedMachine) -> Iterator[Check]:
    """Yield the checks of all services."""
    context = ServiceContext(rig, locked)
    for service in find_services().values():
        yield from service.build_checks(context)


def list_unsupported_services(rig: RigSettings, locked: LockedMachine) -> tuple[str, ...]:
    """Return the services of the spec that no step sets up."""
    requested = [each for each in find_services().values() if getattr(rig.service, each.name, None)]
    return tuple(each.name for each in requested if not each.is_locked(locked))


def _order_steps(
    steps: Iterable[Step], locked: LockedMachine, part: str, title: str
) -> Iterator[Step]:
    """Put configuration before packages if possible: a service starts when it is installed."""
    units = [step for step in steps if isinstance(step, ServiceStep)]
    settings = [step for step in steps if not isinstance(step, ServiceStep)]
    yield from (step for step in settings if not step.needs)
    yield from build_package_step(locked, part, id=service_packages(part), title=title, layer=part)
    yield from (step for step in settings if step.needs)
    yield from units
