"""How the users share a machine on which they work in containers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from rigspec.lock.model import LockedMachine
from rigspec.plan.model import ContainerUser
from rigspec.plan.services.jupyter import Server, notebook_servers
from rigspec.spec.models.rig import Rig

__all__ = ["container_users", "module_in_container"]

_EVERYWHERE = "*"
_HERE = "127.0.0.1"
# The image's own account, and the numbers of others: a volume knows its owner by the number.
_ACCOUNT, _UID = "rig", 1000
_FIRST, _COUNT = 2000, 50000


def container_users(rig: Rig, locked: LockedMachine) -> Iterator[ContainerUser]:
    """One for each server; else one for each user who has GPUs of their own; else, where the driver
    is in a container and somebody must name the devices, one with all of them.
    """
    if locked.notebook is not None:
        yield from _servers(rig, locked)
        return
    users = [name for name in sorted(rig.user) if rig.user[name].gpus is not None]
    for name in users:
        yield ContainerUser(name=name, gpus=tuple(rig.user[name].gpus or ()))
    if not users and module_in_container(rig) and locked.resolution.machine is not None:
        yield ContainerUser(name=rig.name, gpus=_all(rig, locked))


def module_in_container(rig: Rig) -> bool:
    """Whether a container builds and loads the driver's kernel module."""
    return rig.container is not None and rig.container.driver == "container"


def _servers(rig: Rig, locked: LockedMachine) -> Iterator[ContainerUser]:
    servers = notebook_servers(rig)
    numbers = _numbers([server.user for server in servers])
    for server in servers:
        yield _seat(rig, locked, server, numbers[server.user])


def _numbers(accounts: Sequence[str]) -> dict[str, int]:
    """The number of each account: of its name, so that it stays when others come and go."""
    found: dict[str, int] = {}
    for name in accounts:
        number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
        uid = _UID if name == _ACCOUNT else _FIRST + number % _COUNT
        while uid in found.values():
            uid += 1
        found[name] = uid
    return found


def _seat(rig: Rig, locked: LockedMachine, server: Server, uid: int) -> ContainerUser:
    given = rig.service.jupyter.address if rig.service.jupyter is not None else _HERE
    address = _number(given)
    gpus = server.gpus
    if gpus is None and module_in_container(rig):
        gpus = _all(rig, locked)
    return ContainerUser(
        name=server.user,
        gpus=gpus,
        service=server.id,
        address=address or _HERE,
        instead_of=None if address is not None else given,
        account=server.user,
        uid=uid,
    )


def _number(address: str) -> str | None:
    """What an engine publishes a port on; None for a name, which only the machine can look up."""
    if address == _EVERYWHERE:
        return "0.0.0.0"  # noqa: S104
    if address == "localhost":
        return _HERE
    try:
        return str(ip_address(address))
    except ValueError:
        return None


def _all(rig: Rig, locked: LockedMachine) -> tuple[int, ...]:
    machine = locked.resolution.machine
    gpus = rig.machine[machine].gpus if machine is not None else ()
    return tuple(range(sum(gpu.count for gpu in gpus)))
