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
from rigspec.plan.steps import DnfHostPackagesStep, HostPackagesStep, Step
from rigspec.resolution import NO_DRIVER

__all__ = ["build_driver_steps", "list_driver_omissions"]

_DRIVER = "driver"
_PINNING = "driver-pinning"
_LIBRARIES = "driver-libraries"


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
    title = f"NVIDIA driver {version} libraries"
    yield from build_package_step(
        locked, _LIBRARIES, id=_LIBRARIES, title=title, layer="cuda", needs=repositories, hold=True
    )


def _build_dnf_steps(locked: LockedMachine) -> Iterator[Step]:
    """Yield the plugin of dnf that holds versions, which a toolkit uses, too, and the driver."""
    driver = f"NVIDIA driver {locked.resolution.driver}"
    for name, title in ((_PINNING, "Packages: versionlock for dnf"), (_DRIVER, driver)):
        part = get_dnf_part(locked, name, hold=True)
        if part.packages:
            yield DnfHostPackagesStep(
                id=name,
                title=title,
                layer=_DRIVER,
                needs=part.repositories if name == _PINNING else (*part.repositories, _PINNING),
                packages=part.packages,
                package_list=part.package_list,
                builds_modules=name == _DRIVER,
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
