"""The user's own settings, which are the only part of a spec that the steps depend on.

The rest is in the lock. This module, ``build_plan`` and ``requests`` are the only ones of the plan
that know the model of a spec.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from rigspec.frozen import dataclass
from rigspec.lock.model import LockedMachine
from rigspec.lock.python.index.used_indexes import list_extra_indexes
from rigspec.spec.models.machine import Machine
from rigspec.spec.models.mirrors import Mirrors
from rigspec.spec.models.rig import Prepend, Rig
from rigspec.spec.models.services import Services
from rigspec.spec.models.users import User

__all__ = ["EnvironmentSettings", "RigSettings", "read_settings"]


@dataclass(frozen=True)
class EnvironmentSettings:
    """The settings of an environment: its threads, the settings files of its frameworks, and the
    addresses of the indexes in addition to the default one.
    """

    threads: int | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    extra_indexes: tuple[str, ...] = ()


@dataclass(frozen=True)
class RigSettings:
    """The settings of a rig on one machine.

    ``downloads`` has the path of each download. ``packages`` are the system packages that the
    spec names. ``gpus`` is the number of GPUs of the machine; 0 if the spec does not list them.
    ``instance`` is that of a machine of a cloud; None if it is another one.
    """

    name: str
    summary: str
    mirrors: Mirrors
    service: Services
    user: Mapping[str, User]
    groups: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    variables: Mapping[str, str | Prepend] = field(default_factory=dict)
    environments: Mapping[str, EnvironmentSettings] = field(default_factory=dict)
    downloads: Mapping[str, str] = field(default_factory=dict)
    kernel_arguments: tuple[str, ...] = ()
    gpus: int = 0
    instance: str | None = None
    nvblas: bool = False
    has_driver_container: bool = False


def read_settings(rig: Rig, locked: LockedMachine | None = None) -> RigSettings:
    """Return the settings of a rig on a locked machine; without one, those of all machines."""
    system, machine = rig.system, _find_machine(rig, locked)
    return RigSettings(
        name=rig.name,
        summary=rig.summary or rig.name,
        mirrors=rig.mirrors,
        service=rig.service,
        user=rig.user,
        groups=tuple(system.groups) if system is not None else (),
        packages=tuple(system.packages) if system is not None else (),
        variables=system.env if system is not None else {},
        environments=_read_environments(rig, locked),
        downloads={name: download.to for name, download in rig.download.items()},
        kernel_arguments=tuple(machine.kernel_args) if machine is not None else (),
        gpus=sum(gpu.count for gpu in machine.gpus) if machine is not None else 0,
        instance=machine.instance or "" if machine and machine.is_rented else None,
        nvblas=rig.cuda is not None and rig.cuda.nvblas,
        has_driver_container=rig.container is not None and rig.container.driver == "container",
    )


def _find_machine(rig: Rig, locked: LockedMachine | None) -> Machine | None:
    name = locked.resolution.machine if locked is not None else None
    return rig.machine[name] if name is not None else None


def _read_environments(rig: Rig, locked: LockedMachine | None) -> dict[str, EnvironmentSettings]:
    resolved = {env.name: env for env in locked.resolution.envs} if locked is not None else {}
    found = {env.name: env for env in locked.envs} if locked is not None else {}
    return {
        name: EnvironmentSettings(
            threads=env.threads,
            config=env.config,
            extra_indexes=list_extra_indexes(rig, resolved[name], found.get(name))
            if name in resolved
            else (),
        )
        for name, env in rig.env.items()
    }
