"""Names that one table of a rig uses and another has to declare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files

import tomli

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.spec.models.environment import Environment
from rigspec.spec.models.rig import Rig
from rigspec.spec.toml.document import Document, KeyPath

__all__ = [
    "dangling_references",
    "driver_container_mistakes",
    "groups_of_accounts",
    "hours_exceed_day",
    "shared_ports",
    "system_accounts",
]

_DAY = Decimal(24)


def hours_exceed_day(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """An error for every machine that computes and idles for more than a day a day."""
    for name, machine in rig.machine.items():
        hours = Decimal(str(machine.hours or 0))
        if hours + Decimal(str(machine.idle_hours)) <= _DAY:
            continue
        key = f"machine.{name}.idle_hours"
        left = _DAY - hours
        yield Diagnostic(
            code="RS003",
            severity=Severity.ERROR,
            message=f"`{key}`: a day has 24 hours; beside {hours.normalize():f} of computing "
            f"the most that makes sense here is {left.normalize():f}",
            spans=(
                document.span(("machine", name, "idle_hours")),
                document.span(("machine", name, "hours"), label="these, too"),
            ),
        )


def system_accounts(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """An error for every user who is an account of the system: root is one."""
    for name in sorted(rig.user.keys() & _names()):
        yield Diagnostic(
            "RS013",
            Severity.ERROR,
            f"`{name}` is an account of the system, and no user",
            spans=(document.span(("user", name), label="every machine has it"),),
            help=("give the user a name of their own; groups give them what they may do",),
        )


def groups_of_accounts(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """An error for every group of the rig that an account has as its own already."""
    for index, group in enumerate(rig.system.groups if rig.system is not None else ()):
        if group in rig.user:
            yield Diagnostic(
                "RS014",
                Severity.ERROR,
                f"the group `{group}` is that of the account `{group}` alone",
                spans=(
                    document.span(("system", "groups", index), label="has the name of an account"),
                    document.span(("user", group), label="brings a group of this name"),
                ),
                help=(
                    "give the group another name: whoever is in an account's own shares its files",
                ),
            )


@lru_cache(maxsize=1)
def _names() -> frozenset[str]:
    text = (files("rigspec.spec") / "reserved_accounts.toml").read_text(encoding="utf-8")
    return frozenset(tomli.loads(text)["names"])


def shared_ports(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """An error for every port that two services of a machine would listen on."""
    first: dict[int, tuple[str, KeyPath]] = {}
    for what, port, path in _ports(rig):
        if port not in first:
            first[port] = (what, path)
            continue
        other, place = first[port]
        yield Diagnostic(
            "RS011",
            Severity.ERROR,
            f"{other} and {what} would both listen on port {port}",
            spans=(
                document.span(path, label=what),
                document.span(place, label=other),
            ),
            help=("give each a port of its own; a user's notebook has `jupyter_port`",),
        )


def _ports(rig: Rig) -> Iterator[tuple[str, int, KeyPath]]:
    ssh, jupyter, watch = rig.service.ssh, rig.service.jupyter, rig.service.monitoring
    if ssh is not None:
        yield "the secure shell", ssh.port, ("service", "ssh", "port")
    if watch is not None:
        yield "the exporter", watch.port, ("service", "monitoring", "port")
        if watch.keeper is not None:
            path = ("service", "monitoring", "prometheus", "port")
            yield "Prometheus", watch.keeper.port, path
    if jupyter is None:
        return
    if not rig.user:
        yield "the notebook", jupyter.port, ("service", "jupyter", "port")
    for name, user in sorted(rig.user.items()):
        # Who names no port has that of the service.
        own = ("user", name) if user.jupyter_port is None else ("user", name, "jupyter_port")
        yield f"the notebook of {name}", user.jupyter_port or jupyter.port, own


# Whose driver comes as one package for the kernel and others for programs, at versions of one lock:
# a provider, and the system of the same name.
_PARTED = "debian"


def driver_container_mistakes(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """An error where the driver is to be in a container and its packages are not in two halves."""
    if rig.container is None or rig.container.driver != "container":
        return
    provider = rig.cuda.provider if rig.cuda is not None else None
    elsewhere = [m.os for m in rig.machine.values() if m.os.split()[0] != _PARTED]
    if provider != _PARTED or elsewhere:
        yield Diagnostic(
            "RS012",
            Severity.ERROR,
            "a driver in a container wants packages that part the kernel's half from the programs'",
            spans=(document.span(("container", "driver"), label="asks for it"),),
            help=(
                f'set `cuda.provider` to "{_PARTED}", on a machine with that system',
                "or leave it out, and install the driver on the host",
            ),
        )


def dangling_references(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """An error for every environment, framework or machine that is used and not declared."""
    jupyter = rig.service.jupyter
    if jupyter is not None and jupyter.env not in rig.env:
        path: KeyPath = ("service", "jupyter", "env")
        yield _dangling(document, path, f"no environment `{jupyter.env}`", jupyter.env, rig.env)
    yield from _sessions(rig, document)
    for env_name, env in rig.env.items():
        having = _programs(env)
        for program in env.config:
            if program not in having:
                path = ("env", env_name, "config", program)
                message = f"settings for `{program}`, which is not among the env's frameworks"
                yield _dangling(document, path, message, program, having, of="key")
    for machine_name, machine in rig.machine.items():
        others = [name for name in rig.machine if name != machine_name]
        if machine.against is not None and machine.against not in others:
            path = ("machine", machine_name, "against")
            message = f"no other machine `{machine.against}`"
            yield _dangling(document, path, message, machine.against, others)
    yield from _seen_environments(rig, document)


def _programs(env: Environment) -> tuple[str, ...]:
    """What an environment has that may have settings: its frameworks, packages and tools."""
    conda = "conda" in (env.manager, env.interpreter_kind)
    return (*env.frameworks, *env.packages, "pip", *(("conda",) if conda else ()))


def _seen_environments(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    jupyter = rig.service.jupyter
    for name, user in rig.user.items():
        for index, env in enumerate(user.envs or ()):
            if env not in rig.env:
                path: KeyPath = ("user", name, "envs", index)
                yield _dangling(document, path, f"no environment `{env}`", env, rig.env)
        if user.envs is not None and jupyter is not None and jupyter.env not in user.envs:
            path = ("user", name, "envs")
            message = f"the notebook of {name} runs in `{jupyter.env}`, which {name} may not use"
            yield _dangling(document, path, message, "", ())


def _sessions(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    for name, session in rig.service.tmux.items():
        here: KeyPath = ("service", "tmux", name)
        used = [((*here, "env"), session.env)]
        for index, window in enumerate(session.windows):
            used.append(((*here, "windows", index, "env"), window.env))
        for path, env in used:
            if env is not None and env not in rig.env:
                yield _dangling(document, path, f"no environment `{env}`", env, rig.env)


def _dangling(
    document: Document,
    path: KeyPath,
    message: str,
    name: str,
    known: Iterable[str],
    of: str = "value",
) -> Diagnostic:
    near = get_close_matches(name, list(known), n=1)
    advice = (f"did you mean `{near[0]}`?",) if near else ()
    span = document.span(path, of=of, label="not declared")
    return Diagnostic("RS008", Severity.ERROR, message, spans=(span,), help=advice)
