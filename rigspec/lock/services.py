"""The services that the system itself brings: their packages and units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rigspec.lock.files import release_of
from rigspec.lock.model import LockedMachine, LockedPackage, LockedService, Unpinned
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from rigspec.spec.model import Rig

__all__ = ["service_differences", "service_packages", "services_of", "unknown_services"]

_OF_THE_SYSTEM = ("ssh",)
# What makes a certificate, as Debian and Ubuntu package it.
_CERTIFICATES = "openssl"


def services_of(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[LockedService]:
    """Each service of the rig that the matrix knows on this system."""
    system = release_of(matrix, "os", resolution.os)
    for name in _asked(rig):
        packages, unit = system.figure(f"{name}_packages"), system.figure(f"{name}_unit")
        settings, form = system.figure(f"{name}_settings"), system.figure(f"{name}_form")
        if packages and unit and settings and form:
            yield LockedService(name, tuple(packages.split()), unit, settings, form)


def service_packages(rig: Rig, services: Iterable[LockedService]) -> Iterator[LockedPackage]:
    """What the services are installed from, and what makes their certificates."""
    names = {name for service in services for name in service.packages}
    for name in sorted(names):
        yield LockedPackage(name, "service")
    if rig.service.jupyter is not None and rig.service.jupyter.tls:
        # A part of its own: a container makes certificates and has none of the system's services.
        yield LockedPackage(_CERTIFICATES, "certificate")


def unknown_services(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[Unpinned]:
    """The services whose package or unit on this system no source gave."""
    known = {service.name for service in services_of(rig, resolution, matrix)}
    for name in _asked(rig):
        if name not in known:
            why = f"the matrix does not know how {resolution.os} runs it: set it up by hand"
            yield Unpinned(_called(name), why)


def service_differences(rig: Rig, locked: LockedMachine) -> Iterator[str]:
    """The services that only the spec or only the lock has."""
    asked, has = set(_asked(rig)), {service.name for service in locked.services}
    open_ = {item.what for item in locked.unpinned}
    for name in sorted(asked ^ has):
        if name in has or _called(name) not in open_:
            yield f"{_called(name)} is only in the {'spec' if name in asked else 'lock'}"
    served = rig.service.jupyter.env if rig.service.jupyter is not None else None
    before = locked.notebook.env if locked.notebook is not None else None
    if served != before:
        yield f"the notebook server is of {before or 'no environment'} in the lock"


def _called(name: str) -> str:
    return f"the service {name}"


def _asked(rig: Rig) -> tuple[str, ...]:
    return tuple(name for name in _OF_THE_SYSTEM if getattr(rig.service, name) is not None)
