"""A whole plan: the steps of one machine, and what a backend may know beside them."""

from __future__ import annotations

from dataclasses import dataclass

from rigspec.plan.steps import Step
from rigspec.resolution import Resolution

__all__ = ["BaseImage", "ContainerUser", "DeploymentTarget", "Omission", "PayloadFile", "Plan"]


@dataclass(frozen=True)
class PayloadFile:
    """A file that travels with an artifact: a part of the lock."""

    name: str
    content: str


@dataclass(frozen=True)
class Omission:
    """A part of the spec that no step carries out, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class BaseImage:
    """The image a container starts from; without a digest, ``unpinned`` says why."""

    reference: str
    digest: str | None = None
    unpinned: str | None = None


@dataclass(frozen=True)
class ContainerUser:
    """A user's share of a machine on which the users work in containers: the GPUs by number (None:
    all), and the id of the service that runs there, if any. Its port is reached on the ``address``,
    which ``instead_of`` has the spec's own words for where a container engine takes only numbers.

    Its programs run as the ``account`` with the number ``uid``.
    """

    name: str
    gpus: tuple[int, ...] | None
    service: str | None = None
    address: str = "127.0.0.1"
    instead_of: str | None = None
    account: str = "rig"
    uid: int = 1000


@dataclass(frozen=True)
class DeploymentTarget:
    """Where the machine stands. ``provider`` is the cloud's name as the spec's instance begins
    (``aws``), None where it names none. ``seed`` is the address of the folder for what a machine
    fetches at its first boot.
    """

    cloud: bool = False
    provider: str | None = None
    seed: str | None = None


@dataclass(frozen=True)
class Plan:
    """Everything a backend may know. ``lock_digest`` is the sha256 of the lock it was made from.

    ``seats`` are the shares of a machine with GPUs to divide. ``module_in_container`` says that the
    driver's kernel module is built and loaded by a container and not by the host. ``gpus`` is how
    many graphics cards the machine has, 0 where the spec does not say.
    """

    rig: str
    summary: str
    machine: str | None
    resolution: Resolution
    steps: tuple[Step, ...]
    payload: tuple[PayloadFile, ...]
    left_out: tuple[Omission, ...]
    base: BaseImage
    lock_digest: str
    seats: tuple[ContainerUser, ...] = ()
    module_in_container: bool = False
    gpus: int = 0
    site: DeploymentTarget = DeploymentTarget()
