"""How the users share a machine on which they work in containers."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.plan.model import Seat
from rigspec.spec.model import Rig
from rigspec.spec.service import User

__all__ = ["module_in_container", "seats"]

_EVERYWHERE = "*"


def seats(rig: Rig, machine: str | None) -> Iterator[Seat]:
    """One for each user who has GPUs of their own; else, where the driver is in a container and
    somebody must name the devices, one with all of them.
    """
    users = [name for name in sorted(rig.user) if rig.user[name].gpus is not None]
    for name in users:
        yield _seat(rig, name, rig.user[name])
    if not users and module_in_container(rig) and machine is not None:
        count = sum(gpu.count for gpu in rig.machine[machine].gpus)
        yield Seat(name=rig.name, gpus=tuple(range(count)))


def module_in_container(rig: Rig) -> bool:
    """Whether a container builds and loads the driver's kernel module."""
    return rig.container is not None and rig.container.driver == "container"


def _seat(rig: Rig, name: str, user: User) -> Seat:
    gpus = tuple(user.gpus or ())
    notebook = rig.service.jupyter
    if notebook is None:
        return Seat(name=name, gpus=gpus)
    address = "0.0.0.0" if notebook.address == _EVERYWHERE else notebook.address  # noqa: S104
    secret = () if notebook.password is None else (notebook.password.secret,)
    port = notebook.port if user.jupyter_port is None else user.jupyter_port
    return Seat(name, gpus, port, notebook.port, address, secret)
