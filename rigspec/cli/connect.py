"""``rigspec connect``: print the command that reaches each service."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from rigspec.cli.common.completion import complete_users
from rigspec.cli.common.options import FORMAT, AnyMachine, Spec
from rigspec.cli.common.pipeline import open_spec, select_machines
from rigspec.cli.console import fail, fail_unknown, print_status
from rigspec.plan.connections import Connection, list_connections
from rigspec.plan.settings import read_settings
from rigspec.spec.machine_limits import limit_to_machine
from rigspec.spec.models.rig import Rig
from rigspec.spec.types import HOST

__all__ = ["connect"]

# Placeholders for names that the spec does not contain.
_HOST, _USER = "HOST", "USER"
_ACCOUNT = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,63}")
_HOST_OR_IPV6 = re.compile(rf"{HOST}|[0-9a-fA-F.]*:[0-9a-fA-F:.]*(?:%[A-Za-z0-9._-]+)?")


def connect(
    spec: Spec,
    user: Annotated[
        str | None,
        typer.Option(
            "--user",
            metavar="NAME",
            help="Only this account (default: all)",
            autocompletion=complete_users,
        ),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(
            "--host", metavar="HOST", help="Host name or address (default: from the spec)"
        ),
    ] = None,
    machine: AnyMachine = None,
    format_: Annotated[Literal["text", "json"], FORMAT] = "text",
) -> None:
    """Print the command that reaches each service.

    Prints the ssh command, its forwarded port and the address to open, for each user.
    """
    loaded = open_spec(spec)
    rig = loaded.rig
    if machine is not None:
        rig = limit_to_machine(rig, *select_machines(loaded, machine))
    address = _address(rig, host)
    if rig.service.ssh is None:
        print_status("note: the rig has no [service.ssh], so the commands assume port 22")
    if address == _HOST:
        print_status(
            f"note: {_HOST} is a placeholder for the machine's address; set it with --host"
        )
    result = tuple(list_connections(read_settings(rig), address, _users(spec, rig, user)))
    typer.echo(_as_json(rig, address, result) if format_ == "json" else _as_text(result))


def _users(spec: Path, rig: Rig, user: str | None) -> tuple[str, ...]:
    names = tuple(sorted(rig.user))
    if user is None:
        return names or (_USER,)
    if user not in names and names:
        fail_unknown(
            f"no user `{user}` in {spec}", user, names, otherwise=f"name one of {', '.join(names)}"
        )
    if _ACCOUNT.fullmatch(user) is None:
        fail(f"invalid user name `{user}`", status=2)
    return (user,)


def _address(rig: Rig, host: str | None) -> str:
    if host is None:
        return rig.service.dyndns.hostname if rig.service.dyndns is not None else _HOST
    if _HOST_OR_IPV6.fullmatch(host) is None:
        fail(f"invalid host name or address `{host}`", status=2)
    return host


def _as_text(result: Sequence[Connection]) -> str:
    lines = []
    for user in dict.fromkeys(connection.user for connection in result):
        lines.append(f"{user}:")
        for connection in result:
            if connection.user == user:
                lines.append(f"  {connection.service}")
                lines += [f"    {connection.line}"] if connection.command else []
                lines += [f"    open {connection.url}"] if connection.url is not None else []
    return "\n".join(lines)


def _as_json(rig: Rig, host: str, result: Sequence[Connection]) -> str:
    rows = [
        {
            "user": connection.user,
            "service": connection.service,
            "command": list(connection.command),
            "line": connection.line,
            "url": connection.url,
        }
        for connection in result
    ]
    content = {"schema": 1, "rig": rig.name, "host": host, "connections": rows}
    return json.dumps(content, indent=2, ensure_ascii=False)
