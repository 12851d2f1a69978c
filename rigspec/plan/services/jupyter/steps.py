"""Steps for notebook servers, one per user: configuration, certificate, password and unit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from string import Template

from rigspec.frozen import dataclass
from rigspec.lock.model import LockedMachine, LockedNotebook
from rigspec.lock.paths import get_installed_lock_path
from rigspec.plan.layers.apt import build_package_step
from rigspec.plan.model import PayloadFile
from rigspec.plan.paths import NOTEBOOK_CONFIG, NOTEBOOK_HEALTH, env_path, env_python, notebook_path
from rigspec.plan.services.base import Service, ServiceContext
from rigspec.plan.services.jupyter.kernels import build_kernel_steps
from rigspec.plan.services.units import format_assignment, list_assignments
from rigspec.plan.settings import RigSettings
from rigspec.plan.steps import (
    CertificateStep,
    EnvironmentVariablesStep,
    FileStep,
    SecretStep,
    ServiceStep,
    Step,
    UserStep,
    Variable,
    VariablesStep,
)
from rigspec.spec.models.services import Jupyter, Tls

__all__ = [
    "JupyterService",
    "Server",
    "build_notebook_steps",
    "get_notebook_account",
    "list_notebook_servers",
]

_LAYER = "notebook"
_ALL_INTERFACES = frozenset({"*", "0.0.0.0", "::"})  # noqa: S104 - recognised, never bound
_LOOPBACK = "127.0.0.1"
# The account of the server if the rig has no accounts.
_ACCOUNT = "notebook"


class JupyterService(Service):
    """Notebook servers."""

    name = "jupyter"
    summary = "a notebook server for each user"
    programs = "Jupyter"

    def is_locked(self, locked: LockedMachine) -> bool:
        """Return whether the lock has the server."""
        return locked.notebook is not None

    def build_steps(self, context: ServiceContext) -> Iterator[Step]:
        """Yield the steps of all notebook servers."""
        yield from build_notebook_steps(
            context.rig, context.locked, context.session, context.environments
        )

    def build_files(self, context: ServiceContext) -> Iterator[PayloadFile]:
        """Yield the programs that configure a server and check its health."""
        if context.locked.notebook is not None:
            yield PayloadFile(NOTEBOOK_CONFIG, self.read_file(NOTEBOOK_CONFIG))
            yield PayloadFile(NOTEBOOK_HEALTH, self.read_file(NOTEBOOK_HEALTH))


@dataclass(frozen=True)
class Server:
    """A notebook server: its user, port and GPUs (None: all)."""

    user: str
    port: int
    gpus: tuple[int, ...] | None

    @property
    def id(self) -> str:
        """Return the id of its step."""
        return f"notebook-{self.user.replace('_', '-')}"


def list_notebook_servers(rig: RigSettings) -> tuple[Server, ...]:
    """Return one server per user, on the user's port or that of the service."""
    jupyter = rig.service.jupyter
    if jupyter is None:
        return ()
    if not rig.user:
        return (Server(_ACCOUNT, jupyter.port, None),)
    return tuple(
        Server(name, user.jupyter_port or jupyter.port, user.gpus)
        for name, user in sorted(rig.user.items())
    )


def get_notebook_account(rig: RigSettings) -> Iterator[UserStep]:
    """Yield the account of the server if the rig has no accounts."""
    if rig.service.jupyter is not None and not rig.user:
        yield UserStep(
            id=f"user-{_ACCOUNT}",
            title="Account of the notebook server",
            layer="user",
            name=_ACCOUNT,
        )


def build_notebook_steps(
    rig: RigSettings,
    locked: LockedMachine,
    session: VariablesStep | None,
    environments: Sequence[EnvironmentVariablesStep] = (),
) -> Iterator[Step]:
    """Yield the steps of all notebook servers.

    ``session`` has the variables of login sessions, ``environments`` those of each environment.
    """
    if rig.service.jupyter is None or locked.notebook is None:
        return
    part = "certificate"
    yield from build_package_step(
        locked, part, id="certificate-tools", title="Packages: openssl", layer=part
    )
    shared = session.variables if session is not None else ()
    steps = [step for step in environments if step.name == locked.notebook.env]
    env_variables = tuple(variable for step in steps for variable in step.variables)
    yield from build_kernel_steps(rig, locked, shared, environments, _LAYER)
    for server in list_notebook_servers(rig):
        yield from _server_steps(
            rig.service.jupyter, locked.notebook, server, shared, env_variables
        )


def _server_steps(
    jupyter: Jupyter,
    locked: LockedNotebook,
    server: Server,
    shared: tuple[Variable, ...],
    env_variables: tuple[Variable, ...],
) -> Iterator[Step]:
    """Yield the steps of one server.

    ``shared`` are the variables of login sessions, which a container image has anyway.
    """
    user, step = server.user, server.id
    needs: tuple[str, ...] = ()
    if jupyter.tls:
        tls = Tls() if jupyter.tls is True else jupyter.tls
        needs += (f"{step}-certificate",)
        yield CertificateStep(
            id=needs[-1],
            title=f"Notebook certificate of {user}",
            layer=_LAYER,
            certificate=notebook_path(user, "crt"),
            key=notebook_path(user, "key"),
            algorithm=tls.key,
            days=tls.days,
            owner=user,
        )
    if jupyter.password is not None:
        needs += (f"{step}-password",)
        yield SecretStep(
            id=needs[-1],
            title=f"Notebook password of {user}",
            layer=_LAYER,
            name=jupyter.password.secret,
            path=notebook_path(user, "password"),
            owner=user,
        )
    settings = f"{step}-settings"
    yield FileStep(
        id=settings,
        title=f"Notebook settings of {user}",
        layer=_LAYER,
        path=notebook_path(user, "json"),
        content=_server_settings(jupyter, locked, server),
    )
    yield ServiceStep(
        id=step,
        title=f"Notebook server of {user}, port {server.port}",
        layer=_LAYER,
        needs=(*needs, settings),
        name=f"rig-notebook-{user}.service",
        unit=_unit_text(jupyter, locked, server, (*shared, *env_variables)),
        restart_on=(*needs, settings),  # read only at start
        # In a container, listen on all interfaces: the engine restricts access.
        command=(*_server_command(locked), f"--{locked.section}.ip=0.0.0.0"),
        user=user,
        port=server.port,
        address=_LOOPBACK if jupyter.address in _ALL_INTERFACES else jupyter.address,
        variables=(
            Variable("RIG_NOTEBOOK", (notebook_path(user, "json"),), prepend=False),
            Variable("PATH", (f"{env_path(locked.env)}/bin",), prepend=True),
            *env_variables,
        ),
        health=(env_python(locked.env), get_installed_lock_path(NOTEBOOK_HEALTH)),
        programs=(NOTEBOOK_CONFIG, NOTEBOOK_HEALTH),
    )


def _server_command(locked: LockedNotebook) -> tuple[str, ...]:
    config = f"--config={get_installed_lock_path(NOTEBOOK_CONFIG)}"
    return (env_python(locked.env), "-m", locked.program, config)


def _server_settings(jupyter: Jupyter, locked: LockedNotebook, server: Server) -> str:
    values: dict[str, object] = {
        "ip": jupyter.address,
        "port": server.port,
        "port_retries": 0,  # fail instead of using another port
        "open_browser": False,
    }
    if jupyter.tls:
        values["certfile"] = notebook_path(server.user, "crt")
        values["keyfile"] = notebook_path(server.user, "key")
    files: dict[str, dict[str, str]] = {}
    if jupyter.password is not None:
        section, _, name = locked.password.partition(".")
        files[section] = {name: notebook_path(server.user, "password")}
    content = {"settings": {locked.section: values}, "files": files}
    return json.dumps(content, indent=4, sort_keys=True) + "\n"


def _unit_text(
    jupyter: Jupyter, locked: LockedNotebook, server: Server, variables: Sequence[Variable]
) -> str:
    secrets = [notebook_path(server.user, "password")] if jupyter.password is not None else []
    return Template(JupyterService.read_file("notebook.service")).substitute(
        user=server.user,
        conditions="".join(f"ConditionPathExists={path}\n" for path in secrets),
        environment="\n".join(_unit_environment(locked, server, variables)),
        command=" ".join(_server_command(locked)),
    )


def _unit_environment(
    locked: LockedNotebook, server: Server, variables: Sequence[Variable]
) -> Iterator[str]:
    yield format_assignment("RIG_NOTEBOOK", notebook_path(server.user, "json"))
    yield from list_assignments(locked.env, variables, server.gpus)
