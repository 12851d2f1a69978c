"""``rigspec connect``: how a client reaches each service of a rig."""

from __future__ import annotations

import re
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rigspec.cli.console import fail, status
from rigspec.cli.pipeline import open_spec

if TYPE_CHECKING:
    from rigspec.plan.connections import Connection
    from rigspec.spec.models.rig import Rig

__all__ = ["connect"]

# What stands for a name that the spec does not tell.
_HOST, _USER = "HOST", "USER"
_ACCOUNT = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,63}")


class Format(str, Enum):
    """How to tell."""

    TEXT = "text"
    JSON = "json"


def connect(
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="The rig to reach.")],
    user: Annotated[
        str | None, typer.Option("--user", metavar="U", help="For this account only.")
    ] = None,
    host: Annotated[
        str | None,
        typer.Option("--host", metavar="H", help="The machine's name or address; else its own."),
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How to tell it.")] = Format.TEXT,
) -> None:
    """Print the client's command for each service: a log-in, its forwarded port, what to open."""
    from rigspec.plan.connections import connections

    rig = open_spec(spec).rig
    target = _host(rig, host)
    if rig.service.ssh is None:
        status("note: the rig sets up no secure shell: these ask for one on port 22")
    if target == _HOST:
        status(f"note: {_HOST} stands for the machine's name or address: give it with --host")
    found = tuple(connections(rig, target, _users(spec, rig, user)))
    typer.echo(_json(rig, target, found) if output is Format.JSON else _text(found))


def _users(spec: Path, rig: Rig, user: str | None) -> tuple[str, ...]:
    names = tuple(sorted(rig.user))
    if user is None:
        return names or (_USER,)
    if user not in names and names:
        near = get_close_matches(user, names, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else f"; it has {', '.join(names)}"
        fail(f"{spec} declares no user `{user}`{hint}", status=2)
    if _ACCOUNT.fullmatch(user) is None:
        fail(f"`{user}` is no name of an account", status=2)
    return (user,)


def _host(rig: Rig, host: str | None) -> str:
    from rigspec.spec.types import HOST

    if host is None:
        return rig.service.dyndns.hostname if rig.service.dyndns is not None else _HOST
    if re.fullmatch(rf"{HOST}|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*(?:%[A-Za-z0-9._-]+)?", host) is None:
        fail(f"`{host}` is no name or address of a machine", status=2)
    return host


def _text(found: tuple[Connection, ...]) -> str:
    lines = []
    for user in dict.fromkeys(each.user for each in found):
        lines.append(f"{user}:")
        for each in found:
            if each.user == user:
                lines.append(f"  {each.service}")
                lines += [f"    {each.line}"] if each.command else []
                lines += [f"    open {each.url}"] if each.url is not None else []
    return "\n".join(lines)


def _json(rig: Rig, host: str, found: tuple[Connection, ...]) -> str:
    import json

    rows = [
        {
            "user": each.user,
            "service": each.service,
            "command": list(each.command),
            "line": each.line,
            "url": each.url,
        }
        for each in found
    ]
    content = {"schema": 1, "rig": rig.name, "host": host, "connections": rows}
    return json.dumps(content, indent=2, ensure_ascii=False)
