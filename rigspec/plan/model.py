"""The plan of one machine: its steps, and further facts for backends."""

from __future__ import annotations

from collections.abc import Iterable

from rigspec.frozen import dataclass
from rigspec.lock.model import LockedMachine
from rigspec.plan.requests import RequestedEnvironment
from rigspec.plan.steps import Step
from rigspec.resolution import Resolution

__all__ = [
    "BaseImage",
    "ContainerUser",
    "DeploymentTarget",
    "Omission",
    "PayloadFile",
    "Plan",
    "group_by_reason",
]


@dataclass(frozen=True)
class PayloadFile:
    """A file of the lock or a program that is delivered with an artifact."""

    name: str
    content: str


@dataclass(frozen=True)
class Omission:
    """An item of the spec that is not included, and the reason.

    ``is_base_image`` is true for what concerns only targets with a base image.
    """

    item: str
    reason: str
    is_base_image: bool = False


def group_by_reason(omissions: Iterable[Omission]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return each reason with the items that are not included because of it."""
    reasons: dict[str, list[str]] = {}
    for omission in omissions:
        reasons.setdefault(omission.reason, []).append(omission.item)
    return tuple((reason, tuple(items)) for reason, items in reasons.items())


@dataclass(frozen=True)
class BaseImage:
    """The base image of containers; ``unpinned_reason`` explains a missing digest."""

    reference: str
    digest: str | None = None
    unpinned_reason: str | None = None


@dataclass(frozen=True)
class ContainerUser:
    """The GPUs and the service of one user of a machine with containers.

    ``gpus`` are numbers; None means all. ``service`` is the id of the step of a service, published
    on ``address``. If the spec has a host name instead of an IP address, ``requested_address`` has
    that name. Programs run as ``account`` with the user ID ``uid``.
    """

    name: str
    gpus: tuple[int, ...] | None
    service: str | None = None
    address: str = "127.0.0.1"
    requested_address: str | None = None
    account: str = "rig"
    uid: int = 1000

    @property
    def home_volume(self) -> str:
        """Return the volume with the home directory: one for all services of an account."""
        return f"{self.name if self.service is None else self.account}-home"


@dataclass(frozen=True)
class DeploymentTarget:
    """The place that the machine runs in.

    ``provider`` is the cloud provider from the spec's instance (``aws``), or None, ``instance`` the
    type that follows it (``g5.xlarge``). ``seed`` is the URL of the directory with the files that a
    machine downloads at first boot.
    """

    cloud: bool = False
    provider: str | None = None
    instance: str | None = None
    seed: str | None = None


@dataclass(frozen=True)
class Plan:
    """The input of a backend.

    ``locked`` is the machine as the lock has it, with the addresses of the spec's mirrors.
    ``requested`` are the packages that the spec requests of each environment.
    ``lock_digest`` is the sha256 of the lock. ``has_driver_container`` is true if a container, not
    the host, builds and loads the kernel module of the driver. ``gpus`` is the number of GPUs of
    the machine; 0 if the spec does not list them. ``cuda_home`` is the directory of the toolkit.
    ``has_other_machines`` is true if the rig has several machines, each with its own plan.
    """

    rig: str
    summary: str
    machine: str | None
    resolution: Resolution
    locked: LockedMachine
    requested: tuple[RequestedEnvironment, ...]
    steps: tuple[Step, ...]
    payload: tuple[PayloadFile, ...]
    omissions: tuple[Omission, ...]
    base: BaseImage
    lock_digest: str
    container_users: tuple[ContainerUser, ...] = ()
    has_driver_container: bool = False
    gpus: int = 0
    deployment: DeploymentTarget = DeploymentTarget()
    cuda_home: str | None = None
    has_other_machines: bool = False
