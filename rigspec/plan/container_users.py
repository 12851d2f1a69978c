"""Assign GPUs and services to the users of containers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from ipaddress import ip_address

from rigspec.lock.model import LockedMachine
from rigspec.plan.model import ContainerUser
from rigspec.plan.services.jupyter.steps import Server, list_notebook_servers
from rigspec.plan.services.program.steps import get_program_step, get_program_user
from rigspec.plan.settings import RigSettings
from rigspec.spec.models.services import Program

__all__ = ["list_container_users"]

_ALL_INTERFACES = "*"
_LOOPBACK = "127.0.0.1"
# The default account of the image, and the range of user IDs of other accounts. Volumes store the
# user ID of their owner, so it must not change.
_DEFAULT_ACCOUNT, _DEFAULT_UID = "rig", 1000
_FIRST_UID, _UID_COUNT = 2000, 50000


def list_container_users(rig: RigSettings, locked: LockedMachine) -> Iterator[ContainerUser]:
    """Yield the container users of a machine.

    One for each notebook server and each program. Without them, one for each user with assigned
    GPUs. If there are none but the driver runs in a container, one with all GPUs, because the
    devices must be listed.
    """
    servers = list_notebook_servers(rig) if locked.notebook is not None else ()
    programs = sorted(rig.service.program.items())
    if servers or programs:
        accounts = [server.user for server in servers]
        accounts += [get_program_user(program) for _, program in programs]
        uids = _assign_uids(list(dict.fromkeys(accounts)))
        for server in servers:
            yield _server_user(rig, server, uids[server.user])
        for name, program in programs:
            yield _program_user(rig, name, program, uids[get_program_user(program)])
        return
    users = [name for name in sorted(rig.user) if rig.user[name].gpus is not None]
    for name in users:
        yield ContainerUser(name=name, gpus=tuple(rig.user[name].gpus or ()))
    if not users and rig.has_driver_container and locked.resolution.machine is not None:
        yield ContainerUser(name=rig.name, gpus=tuple(range(rig.gpus)))


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


def _server_user(rig: RigSettings, server: Server, uid: int) -> ContainerUser:
    requested = rig.service.jupyter.address if rig.service.jupyter is not None else _LOOPBACK
    address = _publish_address(requested)
    return ContainerUser(
        name=server.user,
        gpus=_list_gpus(rig, server.gpus),
        service=server.id,
        address=address or _LOOPBACK,
        requested_address=None if address is not None else requested,
        account=server.user,
        uid=uid,
    )


def _program_user(rig: RigSettings, name: str, program: Program, uid: int) -> ContainerUser:
    address = _publish_address(program.address)
    return ContainerUser(
        # No account has a dot in its name.
        name=f"program.{name}",
        gpus=_list_gpus(rig, program.gpus),
        service=get_program_step(name),
        address=address or _LOOPBACK,
        requested_address=None if address is not None else program.address,
        account=get_program_user(program),
        uid=uid,
    )


def _list_gpus(rig: RigSettings, gpus: Sequence[int] | None) -> tuple[int, ...] | None:
    """Return the GPUs of a container. The devices of a driver in a container must be listed."""
    if gpus is None:
        return tuple(range(rig.gpus)) if rig.has_driver_container else None
    return tuple(gpus)


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
