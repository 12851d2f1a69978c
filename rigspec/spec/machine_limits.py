"""The machines that environments and services are limited to by ``machines``."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.spec.models.rig import Rig
from rigspec.spec.models.services import Services
from rigspec.spec.tables import Table
from rigspec.spec.toml.document import Document, KeyPath

if TYPE_CHECKING:
    from rigspec.spec.loader import LoadedSpec

__all__ = ["check_machine_limits", "limit_spec", "limit_to_machine"]

_MISSING_ENVIRONMENT = "RS016"


def limit_spec(spec: LoadedSpec, machine: str | None) -> LoadedSpec:
    """Return the spec with the environments and services of one machine only."""
    limited = limit_to_machine(spec.rig, machine)
    return spec if limited is spec.rig else replace(spec, rig=limited)


def limit_to_machine(rig: Rig, machine: str | None) -> Rig:
    """Return the rig with the environments and services of one machine only.

    The other machines stay, because some keys of a machine refer to another one. A rig without
    anything that is limited to other machines is returned as it is.
    """
    # No table can be limited if there are no names of machines.
    if machine is None:
        return rig
    services = [each for each in _list_services(rig) if machine not in _list_machines(each, rig)]
    env = {name: each for name, each in rig.env.items() if _is_on(each.machines, machine)}
    if not services and len(env) == len(rig.env):
        return rig
    user = {
        name: each.model_copy(update={"envs": tuple(one for one in each.envs if one in env)})
        if each.envs is not None
        else each
        for name, each in rig.user.items()
    }
    service = _limit_kernels(_drop_services(rig.service, services), env)
    return rig.model_copy(update={"env": env, "service": service, "user": user})


class _Service(NamedTuple):
    """A service of a rig: its path, its ``machines``, and where it names environments."""

    path: KeyPath
    machines: tuple[str, ...] | None
    environments: tuple[tuple[KeyPath, str], ...] = ()

    @property
    def title(self) -> str:
        return ".".join(map(str, self.path))


def _list_services(rig: Rig) -> Iterator[_Service]:
    service = rig.service
    for key in type(service).model_fields:
        table = getattr(service, key)
        if isinstance(table, Table):
            path: KeyPath = ("service", key)
            named = [((*path, "env"), getattr(table, "env", None))] if key == "jupyter" else []
            yield _build_service(path, table, named)
    for name, session in service.tmux.items():
        path = ("service", "tmux", name)
        named = [((*path, "env"), session.env)]
        for index, window in enumerate(session.windows):
            named.append(((*path, "windows", index, "env"), window.env))
        yield _build_service(path, session, named)
    for name, program in service.program.items():
        path = ("service", "program", name)
        yield _build_service(path, program, [((*path, "env"), program.env)])


def _build_service(
    path: KeyPath, table: Table, named: Iterable[tuple[KeyPath, str | None]]
) -> _Service:
    environments = tuple((place, env) for place, env in named if env is not None)
    return _Service(path, getattr(table, "machines", None), environments)


def _list_machines(service: _Service, rig: Rig) -> tuple[str, ...]:
    """Return the machines of a service: by default those that have all of its environments."""
    allowed = service.machines if service.machines is not None else tuple(rig.machine)
    return tuple(
        machine
        for machine in allowed
        if all(_has_environment(rig, env, machine) for _, env in service.environments)
    )


def _has_environment(rig: Rig, env: str, machine: str) -> bool:
    # An undeclared environment is an error that is reported elsewhere.
    return env not in rig.env or _is_on(rig.env[env].machines, machine)


def _is_on(machines: tuple[str, ...] | None, machine: str) -> bool:
    return machines is None or machine in machines


def _drop_services(services: Services, dropped: Iterable[_Service]) -> Services:
    paths = {each.path[1:] for each in dropped}
    update: dict[str, object] = {str(path[0]): None for path in paths if len(path) == 1}
    for key in ("tmux", "program"):
        tables = getattr(services, key)
        update[key] = {name: table for name, table in tables.items() if (key, name) not in paths}
    return services.model_copy(update=update)


def _limit_kernels(services: Services, env: Container[str]) -> Services:
    """Return the services with the kernels of those environments that a machine has."""
    jupyter = services.jupyter
    if jupyter is None or not jupyter.kernels:
        return services
    kernels = tuple(name for name in jupyter.kernels if name in env)
    update = {"jupyter": jupyter.model_copy(update={"kernels": kernels})}
    return services.model_copy(update=update)


def check_machine_limits(rig: Rig, document: Document) -> Iterator[Diagnostic]:
    """Yield the errors of ``machines``: undeclared names, and services that no machine can run."""
    for name, env in rig.env.items():
        yield from _check_names(rig, document, ("env", name), env.machines)
    for service in _list_services(rig):
        yield from _check_names(rig, document, service.path, service.machines)
        yield from _check_environments(rig, document, service)


def _check_names(
    rig: Rig, document: Document, path: KeyPath, machines: tuple[str, ...] | None
) -> Iterator[Diagnostic]:
    for index, machine in enumerate(machines or ()):
        if machine in rig.machine:
            continue
        near = get_close_matches(machine, list(rig.machine), n=1)
        known = ", ".join(f"`{each}`" for each in rig.machine)
        advice = f"did you mean `{near[0]}`?" if near else f"name one of {known}" if known else ""
        yield Diagnostic(
            "RS008",
            Severity.ERROR,
            f"no machine `{machine}`",
            spans=(document.span((*path, "machines", index), label="not declared"),),
            help=(advice or "declare it in `[machine.NAME]`, or remove `machines`",),
        )


def _check_environments(rig: Rig, document: Document, service: _Service) -> Iterator[Diagnostic]:
    """Yield an error for each machine without an environment of a service that runs there."""
    declared = [(place, env) for place, env in service.environments if env in rig.env]
    for index, machine in enumerate(service.machines or ()):
        for place, env in declared:
            if machine in rig.machine and not _has_environment(rig, env, machine):
                yield Diagnostic(
                    _MISSING_ENVIRONMENT,
                    Severity.ERROR,
                    f"`{service.title}` cannot run on `{machine}`, which has no environment "
                    f"`{env}`",
                    spans=(
                        document.span((*service.path, "machines", index), label="runs here"),
                        document.span(place, label="its environment"),
                        document.span(("env", env, "machines"), label="only on these machines"),
                    ),
                    help=(f'remove "{machine}" here, or add it to `machines` of `[env.{env}]`',),
                )
    limits = {env: rig.env[env].machines for _, env in declared}
    if not all(name in rig.machine for machines in limits.values() for name in machines or ()):
        return  # one of these names is misspelled
    if service.machines is None and rig.machine and not _list_machines(service, rig):
        yield Diagnostic(
            _MISSING_ENVIRONMENT,
            Severity.ERROR,
            f"`{service.title}` cannot run, because no machine has "
            + " and ".join(f"`{env}`" for env in limits),
            spans=(
                *(document.span(place, label="an environment of it") for place, _ in declared),
                *(
                    document.span(("env", env, "machines"), label=f"the machines of {env}")
                    for env, machines in limits.items()
                    if machines is not None
                ),
            ),
            help=("use environments that one machine has together",),
        )
