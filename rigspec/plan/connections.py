"""How a client reaches each service of a rig: the command to type, and the address to open."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from rigspec.plan.services.jupyter import notebook_servers
from rigspec.plan.services.tmux import LOADER
from rigspec.spec.models.rig import Rig

__all__ = ["Connection", "connections"]

_USUAL_PORT = 22
_EVERYWHERE = frozenset({"*", "0.0.0.0", "::"})  # noqa: S104 - recognised, never bound
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Connection:
    """A way to a service. ``command`` is words for a client's shell, empty where there is nothing
    to type; ``url`` is what a browser opens then.
    """

    user: str
    service: str
    command: tuple[str, ...] = ()
    url: str | None = None

    @property
    def line(self) -> str:
        """The command as a POSIX shell takes it."""
        return shlex.join(self.command)


def connections(rig: Rig, host: str, users: tuple[str, ...]) -> Iterator[Connection]:
    """Every service of the rig, for each of the users, through the secure shell."""
    for user in users:
        yield from _of_user(rig, host, user)


def _of_user(rig: Rig, host: str, user: str) -> Iterator[Connection]:
    log_in = _log_in(rig, host, user)
    yield Connection(user, "shell", ("ssh", *log_in))
    for name in sorted(rig.service.tmux):
        yield Connection(user, f"tmux {name}", ("ssh", "-t", *log_in, LOADER, name))
    jupyter, watch = rig.service.jupyter, rig.service.monitoring
    if jupyter is not None:
        scheme = "https" if jupyter.tls else "http"
        port = next(
            # Of a rig without accounts there is one server, which has the service's own port.
            (server.port for server in notebook_servers(rig) if server.user == user),
            jupyter.port,
        )
        yield _forwarded(user, "notebook", log_in, jupyter.address, port, scheme)
        if jupyter.address in _EVERYWHERE:
            url = f"{scheme}://{_bracketed(host)}:{port}/"
            yield Connection(user, "notebook, directly", url=url)
    if watch is not None:
        if watch.keeper is not None:
            to = watch.keeper.address, watch.keeper.port
            yield _forwarded(user, "prometheus", log_in, *to)
        yield _forwarded(user, "exporter", log_in, watch.address, watch.port, path="metrics")


def _log_in(rig: Rig, host: str, user: str) -> tuple[str, ...]:
    port = rig.service.ssh.port if rig.service.ssh is not None else _USUAL_PORT
    return "-p", str(port), f"{user}@{host}"


def _forwarded(
    user: str,
    service: str,
    log_in: tuple[str, ...],
    address: str,
    port: int,
    scheme: str = "http",
    path: str = "",
) -> Connection:
    """The same port at the client: what listens everywhere is reached on the loopback, too."""
    to = _LOOPBACK if address in _EVERYWHERE else _bracketed(address)
    command = ("ssh", "-N", "-L", f"{_LOOPBACK}:{port}:{to}:{port}", *log_in)
    return Connection(user, service, command, f"{scheme}://{_LOOPBACK}:{port}/{path}")


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
