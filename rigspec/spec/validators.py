"""Checks across the tables of a rig: undeclared names, shared ports, reserved accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache

import tomli

from rigspec.diagnostics.explanations import find_similar_codes, list_codes
from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.package_files import locate_package_file
from rigspec.spec.machine_limits import check_machine_limits, limit_to_machine
from rigspec.spec.models.environment import Environment
from rigspec.spec.models.rig import Rig
from rigspec.spec.package_sources import check_package_indexes, check_package_sources
from rigspec.spec.toml.document import Document, KeyPath
from rigspec.spec.wsl import check_wsl

__all__ = ["validate_rig"]

_HOURS_PER_DAY = Decimal(24)


def validate_rig(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """Yield the errors of a rig that concern more than one value."""
    yield from _check_references(rig, document)
    yield from check_machine_limits(rig, document)
    for name in rig.machine or (None,):
        yield from _check_ports(limit_to_machine(rig, name), document)
    yield from _check_driver_container(rig, document)
    yield from check_wsl(rig, document)
    yield from check_package_sources(rig, document)
    yield from check_package_indexes(rig, document)
    yield from _check_hours_per_day(rig, document)
    yield from _check_system_accounts(rig, document)
    yield from _check_group_names(rig, document)
    yield from _check_similar_names(rig, document)
    yield from _check_ignored_codes(rig, document)


def _check_ignored_codes(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """Yield an error for each code to ignore that does not exist."""
    for index, code in enumerate(rig.check.ignore):
        if code in list_codes():
            continue
        near = " or ".join(f"`{each}`" for each in find_similar_codes(code))
        yield Diagnostic(
            "RS003",
            Severity.ERROR,
            f"no diagnostic code `{code}`",
            spans=(document.span(("check", "ignore", index), label="unknown code"),),
            help=(f"did you mean {near}?" if near else "run `rigspec explain` for a list",),
        )


def _check_hours_per_day(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """Yield an error for each machine with more than 24 hours per day."""
    for name, machine in rig.machine.items():
        hours = Decimal(str(machine.hours or 0))
        if hours + Decimal(str(machine.idle_hours)) <= _HOURS_PER_DAY:
            continue
        key = f"machine.{name}.idle_hours"
        rest = _HOURS_PER_DAY - hours
        yield Diagnostic(
            code="RS003",
            severity=Severity.ERROR,
            message=f"`{key}` must be at most {rest.normalize():f}, because the machine computes "
            f"{hours.normalize():f} of 24 hours",
            spans=(
                document.span(("machine", name, "idle_hours")),
                document.span(("machine", name, "hours"), label="computing hours"),
            ),
        )


def _check_similar_names(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """Yield an error for names that differ in `-` and `_` only: their files would be the same."""
    tables: tuple[tuple[KeyPath, Iterable[str]], ...] = (
        (("machine",), rig.machine),
        (("env",), rig.env),
        (("user",), rig.user),
        (("download",), rig.download),
        (("service", "tmux"), rig.service.tmux),
        (("service", "program"), rig.service.program),
    )
    for path, names in tables:
        first: dict[str, str] = {}
        for name in sorted(names):
            other = first.setdefault(name.replace("_", "-"), name)
            if other != name:
                table = ".".join(map(str, path))
                yield Diagnostic(
                    "RS003",
                    Severity.ERROR,
                    f"`{other}` and `{name}` in `{table}` differ in `-` and `_` only",
                    spans=(
                        document.span((*path, name), of="key", label="too similar"),
                        document.span((*path, other), of="key"),
                    ),
                    help=("rename one of them",),
                )


def _check_system_accounts(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """Yield an error for each user with the name of a system account, such as root."""
    for name in sorted(rig.user.keys() & _load_reserved_names()):
        yield Diagnostic(
            "RS013",
            Severity.ERROR,
            f"`{name}` is a system account; it cannot be declared as a user",
            spans=(document.span(("user", name), label="exists on every machine"),),
            help=("choose another user name; use `groups` to give the user more rights",),
        )


def _check_group_names(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """Yield an error for each group with the name of a user's primary group."""
    for index, group in enumerate(rig.system.groups if rig.system is not None else ()):
        if group in rig.user:
            yield Diagnostic(
                "RS014",
                Severity.ERROR,
                f"the group `{group}` is the primary group of the user `{group}`",
                spans=(
                    document.span(("system", "groups", index), label="same name as a user"),
                    document.span(("user", group), label="creates a group of this name"),
                ),
                help=("rename the group; its members would get access to the user's files",),
            )


@lru_cache(maxsize=1)
def _load_reserved_names() -> frozenset[str]:
    text = locate_package_file(__file__, "reserved_accounts.toml").read_text(encoding="utf-8")
    return frozenset(tomli.loads(text)["names"])


def _check_ports(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """Yield an error for each port that two services of a machine listen on."""
    first: dict[int, tuple[str, KeyPath]] = {}
    for service, port, path in _iterate_ports(rig):
        if port not in first:
            first[port] = (service, path)
            continue
        other, other_path = first[port]
        yield Diagnostic(
            "RS011",
            Severity.ERROR,
            f"{other} and {service} both listen on port {port}",
            spans=(
                document.span(path, label=service),
                document.span(other_path, label=other),
            ),
            help=("choose another port; set `jupyter_port` for the notebook of a user",),
        )


def _iterate_ports(rig: Rig) -> Iterator[tuple[str, int, KeyPath]]:
    ssh, jupyter, monitoring = rig.service.ssh, rig.service.jupyter, rig.service.monitoring
    if ssh is not None:
        yield "sshd", ssh.port, ("service", "ssh", "port")
    if monitoring is not None:
        yield "the exporter", monitoring.port, ("service", "monitoring", "port")
        if monitoring.prometheus_settings is not None:
            path = ("service", "monitoring", "prometheus", "port")
            yield "Prometheus", monitoring.prometheus_settings.port, path
    for name, program in sorted(rig.service.program.items()):
        if program.port is not None:
            yield f"the program {name}", program.port, ("service", "program", name, "port")
    if jupyter is None:
        return
    if not rig.user:
        yield "the notebook", jupyter.port, ("service", "jupyter", "port")
    for name, user in sorted(rig.user.items()):
        # The default is the port of the service.
        own_path = ("user", name) if user.jupyter_port is None else ("user", name, "jupyter_port")
        yield f"the notebook of {name}", user.jupyter_port or jupyter.port, own_path


# The provider, and its system, that packages kernel module and user-space libraries separately.
_SPLIT_DRIVER_PROVIDER = "debian"


def _check_driver_container(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """Yield an error if the driver must be in a container but its packages are not split."""
    if rig.container is None or rig.container.driver != "container":
        return
    provider = rig.cuda.provider if rig.cuda is not None else None
    systems = (machine.os or "" for machine in rig.machine.values())
    others = [os for os in systems if os.split()[:1] != [_SPLIT_DRIVER_PROVIDER]]
    if provider != _SPLIT_DRIVER_PROVIDER or others:
        yield Diagnostic(
            "RS012",
            Severity.ERROR,
            "a driver in a container needs separate packages for kernel module and libraries",
            spans=(document.span(("container", "driver"), label="requested here"),),
            help=(
                f'set `cuda.provider` to "{_SPLIT_DRIVER_PROVIDER}" on a machine with that system',
                "or remove `driver` and install the driver on the host",
            ),
        )


def _check_references(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """Yield an error for each environment, framework or machine that is not declared."""
    jupyter = rig.service.jupyter
    if jupyter is not None and jupyter.env not in rig.env:
        path: KeyPath = ("service", "jupyter", "env")
        yield _build_undeclared(
            document, path, f"no environment `{jupyter.env}`", jupyter.env, rig.env
        )
    yield from _check_kernels(rig, document)
    yield from _check_tmux_environments(rig, document)
    yield from _check_programs(rig, document)
    for env_name, env in rig.env.items():
        programs = _list_configurable_programs(env)
        for program in env.config:
            if program not in programs:
                path = ("env", env_name, "config", program)
                message = f"settings for `{program}`, but `env.{env_name}` does not request it"
                yield _build_undeclared(document, path, message, program, programs, of="key")
    for machine_name, machine in rig.machine.items():
        against = machine.against
        if against is not None and (against == machine_name or against not in rig.machine):
            path = ("machine", machine_name, "against")
            message = f"no other machine `{against}`"
            others = [each for each in rig.machine if each != machine_name]
            yield _build_undeclared(document, path, message, against, others)
    yield from _check_user_environments(rig, document)


def _list_configurable_programs(env: Environment) -> tuple[str, ...]:
    """Return the frameworks, packages and tools of an environment that can have settings."""
    conda = "conda" in (env.manager, env.interpreter_kind)
    return (*env.frameworks, *env.packages, "pip", *(("conda",) if conda else ()))


def _check_user_environments(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    jupyter = rig.service.jupyter
    for name, user in rig.user.items():
        for index, env in enumerate(user.envs or ()):
            if env not in rig.env:
                path: KeyPath = ("user", name, "envs", index)
                yield _build_undeclared(document, path, f"no environment `{env}`", env, rig.env)
        if user.envs is not None and jupyter is not None and jupyter.env not in user.envs:
            path = ("user", name, "envs")
            message = f"the notebook of {name} runs in `{jupyter.env}`, which {name} cannot use"
            yield _build_undeclared(document, path, message, "", ())


def _check_kernels(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """Yield an error for each kernel that is not a further environment."""
    jupyter = rig.service.jupyter
    found = {jupyter.env} if jupyter is not None else set()
    for index, env in enumerate(jupyter.kernels if jupyter is not None else ()):
        path: KeyPath = ("service", "jupyter", "kernels", index)
        if env not in rig.env:
            yield _build_undeclared(document, path, f"no environment `{env}`", env, rig.env)
        elif env in found:
            yield Diagnostic(
                "RS003",
                Severity.ERROR,
                f"notebooks can choose the environment `{env}` already",
                spans=(document.span(path, label="named again"),),
                help=("remove it: the environment of the server is always a kernel",),
            )
        found.add(env)


def _check_tmux_environments(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    for name, session in rig.service.tmux.items():
        prefix: KeyPath = ("service", "tmux", name)
        used = [((*prefix, "env"), session.env)]
        for index, window in enumerate(session.windows):
            used.append(((*prefix, "windows", index, "env"), window.env))
        for path, env in used:
            if env is not None and env not in rig.env:
                yield _build_undeclared(document, path, f"no environment `{env}`", env, rig.env)


def _check_programs(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    for name, program in rig.service.program.items():
        path: KeyPath = ("service", "program", name)
        if program.env not in rig.env:
            message = f"no environment `{program.env}`"
            yield _build_undeclared(document, (*path, "env"), message, program.env, rig.env)
        if program.user is not None and program.user not in rig.user:
            message = f"no user `{program.user}`"
            yield _build_undeclared(document, (*path, "user"), message, program.user, rig.user)
        first = program.command[0]
        if not first or ("/" in first and not first.startswith("/")):
            yield Diagnostic(
                "RS003",
                Severity.ERROR,
                f"the first word of `service.program.{name}.command` is not a program",
                spans=(document.span((*path, "command", 0), label="the program"),),
                help=("name a program of the environment, or write its path from `/` on",),
            )


def _build_undeclared(
    document: Document,
    path: KeyPath,
    message: str,
    name: str,
    known: Iterable[str],
    of: str = "value",
) -> Diagnostic:
    near = get_close_matches(name, list(known), n=1)
    hints = (f"did you mean `{near[0]}`?",) if near else ()
    span = document.span(path, of=of, label="not declared")
    return Diagnostic("RS008", Severity.ERROR, message, spans=(span,), help=hints)
