"""Assign GPUs and services to the users of containers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from rigspec.lock.model import LockedMachine
from rigspec.plan.model import ContainerUser
from rigspec.plan.services.jupyter.steps import Server, list_notebook_servers
from rigspec.spec.models.rig import Rig

__all__ = ["has_driver_container", "list_container_users"]

_ALL_INTERFACES = "*"
_LOOPBACK = "127.0.0.1"
# The default account of the image, and the range of user IDs of other accounts. Volumes store the
# user ID of their owner, so it must not change.
_DEFAULT_ACCOUNT, _DEFAULT_UID = "rig", 1000
_FIRST_UID, _UID_COUNT = 2000, 50000


def list_container_users(rig: Rig, locked: LockedMachine) -> Iterator[ContainerUser]:
    """Yield the container users of a machine.

    One for each notebook server. Without servers, one for each user with assigned GPUs. If there
    are none but the driver runs in a container, one with all GPUs, because the devices must be
    listed.
    """
    if locked.notebook is not None:
        yield from _server_users(rig, locked)
        return
    users = [name for name in sorted(rig.user) if rig.user[name].gpus is not None]
    for name in users:
        yield ContainerUser(name=name, gpus=tuple(rig.user[name].gpus or ()))
    if not users and has_driver_container(rig) and locked.resolution.machine is not None:
        yield ContainerUser(name=rig.name, gpus=_all_gpus(rig, locked))


def has_driver_container(rig: Rig) -> bool:
    """Return whether a container builds and loads the kernel module of the driver."""
    return rig.container is not None and rig.container.driver == "container"


def _server_users(rig: Rig, locked: LockedMachine) -> Iterator[ContainerUser]:
    servers = list_notebook_servers(rig)
    uids = _assign_uids([server.user for server in servers])
    for server in servers:
        yield _server_user(rig, locked, server, uids[server.user])


def _assign_uids(accounts: Sequence[str]) -> dict[str, int]:
    """Return the user ID of each account, derived from its name so that it is stable."""
    uids: dict[str, int] = {}
    for name in accounts:
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        uid = _DEFAULT_UID if name == _DEFAULT_ACCOUNT else _FIRST_UID + number % _UID_COUNT
        while uid in uids.values():
            uid += 1
        uids[name] = uid
    return uids


def _server_user(rig: Rig, locked: LockedMachine, server: Server, uid: int) -> ContainerUser:
    requested = rig.service.jupyter.address if rig.service.jupyter is not None else _LOOPBACK
    address = _publish_address(requested)
    gpus = server.gpus
    if gpus is None and has_driver_container(rig):
        gpus = _all_gpus(rig, locked)
    return ContainerUser(
        name=server.user,
        gpus=gpus,
        service=server.id,
        address=address or _LOOPBACK,
        requested_address=None if address is not None else requested,
        account=server.user,
        uid=uid,
    )


def _publish_address(address: str) -> str | None:
    """Return the IP address to publish a port on, or None if only the host can resolve the name."""
    if address == _ALL_INTERFACES:
        return "0.0.0.0"  # noqa: S104
    if address == "localhost":
        return _LOOPBACK
    try:
        return str(ip_address(address))
    except ValueError:
        return None


def _all_gpus(rig: Rig, locked: LockedMachine) -> tuple[int, ...]:
    machine = locked.resolution.machine
    gpus = rig.machine[machine].gpus if machine is not None else ()
    return tuple(range(sum(gpu.count for gpu in gpus)))
