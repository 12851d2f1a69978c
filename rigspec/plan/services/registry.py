"""Find the services: folders with their steps, in the order in which they are set up."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from rigspec.plan.extensions import BUILTIN, ExtensionError, find_extensions
from rigspec.plan.services.base import Service
from rigspec.spec.models.services import Services

__all__ = ["find_services", "render_reference"]

_PACKAGE = "rigspec.plan.services"
_GROUP = "rigspec.services"
_MODULE = ".steps"


@cache
def find_services() -> Mapping[str, Service]:
    """Return all services by name: those of the spec language in its order, then all others.

    Raises:
        ExtensionError: A package is invalid, or two services have one name.

    """
    services: dict[str, Service] = {}
    sources: dict[str, str] = {}
    for found in find_extensions(_PACKAGE, _GROUP, Service, _MODULE):
        service = found.type()
        if service.name in services:
            first = sources[service.name]
            message = f"duplicate service {service.name}: in {first} and in {found.source}"
            raise ExtensionError(message)
        services[service.name], sources[service.name] = service, found.source
    order = [*(name for name in Services.model_fields if name in services), *services]
    return MappingProxyType({name: services[name] for name in order})


def render_reference() -> str:
    """Return the table of the built-in services for the documentation."""
    services = [each for each in find_services().values() if _is_builtin(each)]
    rows = (f"| `{each.name}` | {each.summary} | {each.programs} |" for each in services)
    return "\n".join(("| table | does | with |", "| --- | --- | --- |", *rows)) + "\n"


def _is_builtin(service: Service) -> bool:
    return type(service).__module__.split(".")[0] == BUILTIN
