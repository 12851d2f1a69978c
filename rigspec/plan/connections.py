"""List how a client connects to each service of a rig: a command and a URL."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from rigspec.plan.services.jupyter.steps import list_notebook_servers
from rigspec.plan.services.tmux.steps import LOADER
from rigspec.plan.settings import RigSettings

__all__ = ["Connection", "list_connections"]

_DEFAULT_SSH_PORT = 22
_ALL_INTERFACES = frozenset({"*", "0.0.0.0", "::"})  # noqa: S104 - recognised, never bound
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Connection:
    """A connection to a service.

    ``command`` runs on the client; empty if none is needed. ``url`` is then opened in a browser.
    """

    user: str
    service: str
    command: tuple[str, ...] = ()
    url: str | None = None

    @property
    def line(self) -> str:
        """Return the command, quoted for a POSIX shell."""
        return shlex.join(self.command)


def list_connections(rig: RigSettings, host: str, users: tuple[str, ...]) -> Iterator[Connection]:
    """Yield the connections of each user to every service, through SSH."""
    for user in users:
        yield from _user_connections(rig, host, user)


def _user_connections(rig: RigSettings, host: str, user: str) -> Iterator[Connection]:
    login = _ssh_login(rig, host, user)
    yield Connection(user, "shell", ("ssh", *login))
    for name in sorted(rig.service.tmux):
        yield Connection(user, f"tmux {name}", ("ssh", "-t", *login, LOADER, name))
    jupyter, monitoring = rig.service.jupyter, rig.service.monitoring
    if jupyter is not None:
        scheme = "https" if jupyter.tls else "http"
        port = next(
            # A rig without accounts has one server, on the port of the service.
            (server.port for server in list_notebook_servers(rig) if server.user == user),
            jupyter.port,
        )
        yield _forward_port(user, "notebook", login, jupyter.address, port, scheme)
        if jupyter.address in _ALL_INTERFACES:
            url = f"{scheme}://{_bracket_ipv6(host)}:{port}/"
            yield Connection(user, "notebook, directly", url=url)
    for name, program in sorted(rig.service.program.items()):
        if program.port is not None:
            yield _forward_port(user, name, login, program.address, program.port)
    if monitoring is not None:
        if monitoring.prometheus_settings is not None:
            target = monitoring.prometheus_settings.address, monitoring.prometheus_settings.port
            yield _forward_port(user, "prometheus", login, *target)
        yield _forward_port(
            user, "exporter", login, monitoring.address, monitoring.port, path="metrics"
        )


def _ssh_login(rig: RigSettings, host: str, user: str) -> tuple[str, ...]:
    port = rig.service.ssh.port if rig.service.ssh is not None else _DEFAULT_SSH_PORT
    return "-p", str(port), f"{user}@{host}"


def _forward_port(
    user: str,
    service: str,
    login: tuple[str, ...],
    address: str,
    port: int,
    scheme: str = "http",
    path: str = "",
) -> Connection:
    """Return a connection that forwards the same port of the client."""
    target = _LOOPBACK if address in _ALL_INTERFACES else _bracket_ipv6(address)
    command = ("ssh", "-N", "-L", f"{_LOOPBACK}:{port}:{target}:{port}", *login)
    return Connection(user, service, command, f"{scheme}://{_LOOPBACK}:{port}/{path}")


def _bracket_ipv6(address: str) -> str:
    return f"[{address}]" if ":" in address else address
