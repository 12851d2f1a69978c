"""Steps for programs of environments: their secrets and a unit for each."""

from __future__ import annotations

from collections.abc import Iterator
from string import Template

from rigspec.lock.model import LockedMachine
from rigspec.plan.paths import env_path, env_python
from rigspec.plan.services.base import Service, ServiceContext
from rigspec.plan.services.units import format_assignment, format_command, list_assignments
from rigspec.plan.settings import RigSettings
from rigspec.plan.steps import SecretStep, ServiceStep, Step, UserStep, Variable
from rigspec.spec.models.services import Program

__all__ = ["ProgramService", "get_program_account", "get_program_step", "get_program_user"]

_LAYER = "program"
# The account of the programs that name none.
_ACCOUNT = "program"
_SECRETS = "/etc/rig/programs"
# Succeeds if a program of this container accepts connections.
_CONNECT = "import socket; socket.create_connection(('127.0.0.1', {port}), 8).close()"


class ProgramService(Service):
    """Programs of environments."""

    name = "program"
    summary = "programs of environments that run all the time, such as an inference server"
    programs = "systemd"

    def is_locked(self, locked: LockedMachine) -> bool:
        """Return True: the lock has the environments."""
        return True

    def build_steps(self, context: ServiceContext) -> Iterator[Step]:
        """Yield the secrets and the unit of each program."""
        for name, program in sorted(context.rig.service.program.items()):
            yield from _program_steps(context, name, program)


def get_program_account(rig: RigSettings) -> Iterator[UserStep]:
    """Yield the account of the programs that name none."""
    programs = rig.service.program.values()
    if _ACCOUNT not in rig.user and any(program.user is None for program in programs):
        yield UserStep(
            id=f"user-{_ACCOUNT}", title="Account of programs", layer="user", name=_ACCOUNT
        )


def get_program_step(name: str) -> str:
    """Return the id of the step of a program."""
    return f"program-{name.replace('_', '-')}"


def get_program_user(program: Program) -> str:
    """Return the account that a program runs as."""
    return program.user or _ACCOUNT


def _program_steps(context: ServiceContext, name: str, program: Program) -> Iterator[Step]:
    step = get_program_step(name)
    secrets = []
    for number, (variable, secret) in enumerate(sorted(program.secrets.items()), start=1):
        secrets.append(
            SecretStep(
                id=f"secret-{number}-of-{step}",
                title=f"Secret {variable} of {name}",
                layer=_LAYER,
                name=secret.secret,
                path=f"{_SECRETS}/{name}.{variable}",
                text=f"{variable}={{secret}}",
            )
        )
    yield from secrets
    shared = context.session.variables if context.session is not None else ()
    own = tuple(
        v for each in context.environments if each.name == program.env for v in each.variables
    )
    where = "" if program.port is None else f", port {program.port}"
    yield ServiceStep(
        id=step,
        title=f"Program {name}{where}",
        layer=_LAYER,
        needs=tuple(secret.id for secret in secrets),
        name=f"rig-program-{name}.service",
        unit=_unit_text(name, program, (*shared, *own), tuple(s.path for s in secrets)),
        restart_on=tuple(secret.id for secret in secrets),
        command=_list_words(program),
        user=get_program_user(program),
        port=program.port,
        variables=(
            Variable("PATH", (f"{env_path(program.env)}/bin",), prepend=True),
            *own,
            *(Variable(n, (text,), prepend=False) for n, text in sorted(program.variables.items())),
        ),
        health=_list_health_words(program),
        address=program.address,
        folder=program.folder or "",
        secret_variables=tuple((n, s.secret) for n, s in sorted(program.secrets.items())),
    )


def _list_words(program: Program) -> tuple[str, ...]:
    first, *arguments = program.command
    path = first if "/" in first else f"{env_path(program.env)}/bin/{first}"
    return (path, *arguments)


def _list_health_words(program: Program) -> tuple[str, ...]:
    if program.port is None:
        return ()
    return (env_python(program.env), "-c", _CONNECT.format(port=program.port))


def _unit_text(
    name: str, program: Program, variables: tuple[Variable, ...], secrets: tuple[str, ...]
) -> str:
    environment = [
        *list_assignments(program.env, variables, program.gpus),
        *(format_assignment(key, value) for key, value in sorted(program.variables.items())),
        *(f"EnvironmentFile={path}" for path in secrets),
    ]
    return Template(ProgramService.read_file("program.service")).substitute(
        name=name,
        user=get_program_user(program),
        conditions="".join(f"ConditionPathExists={path}\n" for path in secrets),
        folder=program.folder or "~",
        environment="\n".join(environment),
        command=format_command(_list_words(program)),
    )
