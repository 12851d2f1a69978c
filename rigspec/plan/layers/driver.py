"""Steps for the NVIDIA driver."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.lock.model import LockedMachine
from rigspec.plan.layers.apt import (
    build_package_step,
    get_dnf_part,
    get_package_list_file,
    select_packages,
)
from rigspec.plan.layers.dnf import uses_dnf
from rigspec.plan.model import Omission
from rigspec.plan.steps import DnfHostPackagesStep, HostPackagesStep, ServiceStep, Step
from rigspec.resolution import NO_DRIVER

__all__ = ["build_driver_steps", "build_fabric_service", "list_driver_omissions"]

_DRIVER = "driver"
_PINNING = "driver-pinning"
_LIBRARIES = "driver-libraries"
_FABRIC = "fabric-manager"
# The unit of its package, the same on all systems.
_FABRIC_UNIT = "nvidia-fabricmanager.service"


def build_driver_steps(locked: LockedMachine, repositories: tuple[str, ...]) -> Iterator[Step]:
    """Yield the steps for the driver, which come after those of the ``repositories``."""
    version = locked.resolution.driver
    if uses_dnf(locked):
        yield from _build_dnf_steps(locked)
        return
    pinning = select_packages(locked, _PINNING)
    if pinning:
        # A separate step, because apt reads the versions that it pins when it starts.
        yield HostPackagesStep(
            id=_PINNING,
            title=f"NVIDIA driver {version} pinning",
            layer=_DRIVER,
            needs=repositories,
            packages=pinning,
            package_list=get_package_list_file(locked, _PINNING),
        )
    packages = select_packages(locked, _DRIVER, hold=True)
    if packages:
        yield HostPackagesStep(
            id=_DRIVER,
            title=f"NVIDIA driver {version}",
            layer=_DRIVER,
            needs=(*repositories, *((_PINNING,) if pinning else ())),
            packages=packages,
            package_list=get_package_list_file(locked, _DRIVER),
            builds_modules=True,
        )
    fabric = select_packages(locked, _FABRIC, hold=True)
    if fabric:
        yield HostPackagesStep(
            id=_FABRIC,
            title=f"NVIDIA Fabric Manager {version}",
            layer=_FABRIC,
            needs=(*repositories, _DRIVER),
            packages=fabric,
            package_list=get_package_list_file(locked, _FABRIC),
        )
    title = f"NVIDIA driver {version} libraries"
    yield from build_package_step(
        locked, _LIBRARIES, id=_LIBRARIES, title=title, layer="cuda", needs=repositories, hold=True
    )


def _build_dnf_steps(locked: LockedMachine) -> Iterator[Step]:
    """Yield the plugin of dnf that holds versions, which a toolkit uses, too, and the driver."""
    version = locked.resolution.driver
    for name, title, needs in (
        (_PINNING, "Packages: versionlock for dnf", ()),
        (_DRIVER, f"NVIDIA driver {version}", (_PINNING,)),
        (_FABRIC, f"NVIDIA Fabric Manager {version}", (_PINNING, _DRIVER)),
    ):
        part = get_dnf_part(locked, name, hold=True)
        if part.packages:
            yield DnfHostPackagesStep(
                id=name,
                title=title,
                layer=_FABRIC if name == _FABRIC else _DRIVER,
                needs=(*part.repositories, *needs),
                packages=part.packages,
                package_list=part.package_list,
                builds_modules=name == _DRIVER,
            )


def build_fabric_service(locked: LockedMachine) -> Iterator[Step]:
    """Yield the service for the switches between GPUs, which needs the running driver."""
    if any(package.part == _FABRIC for package in locked.packages):
        yield ServiceStep(
            id=f"{_FABRIC}-service",
            title="NVIDIA Fabric Manager at each boot",
            layer=_FABRIC,
            needs=(_FABRIC, "reboot"),
            name=_FABRIC_UNIT,
        )


def list_driver_omissions(locked: LockedMachine) -> Iterator[Omission]:
    """Yield the driver, if the rig has one that no step installs."""
    resolution = locked.resolution
    installed = any(package.part == _DRIVER for package in locked.packages)
    if installed or resolution.driver is None or resolution.driver_source in (None, NO_DRIVER):
        return
    modules = f" with {resolution.kernel_modules} kernel modules"
    if resolution.driver_source == "runfile":
        reason = "install it by hand, because no step runs a driver's runfile"
    else:
        reason = f"install it by hand, because no step uses the package manager of {resolution.os}"
    yield Omission(f"NVIDIA driver {resolution.driver}{modules}", reason)
