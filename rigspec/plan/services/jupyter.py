"""One notebook server a user: settings, certificate, password and unit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from string import Template

from rigspec.lock.model import LockedMachine, LockedNotebook
from rigspec.lock.paths import installed_lock_path
from rigspec.plan.layers.apt import package_list_file, packages_of
from rigspec.plan.model import PayloadFile
from rigspec.plan.paths import NOTEBOOK_CONFIG, NOTEBOOK_HEALTH, env_path, env_python, notebook_path
from rigspec.plan.steps import (
    AptPackages,
    Certificate,
    EnvironmentVariables,
    File,
    Secret,
    Service,
    Step,
    User,
    Variable,
    Variables,
)
from rigspec.spec.models.rig import Rig
from rigspec.spec.models.services import Jupyter, Tls

__all__ = [
    "Server",
    "notebook_account",
    "notebook_files",
    "notebook_servers",
    "notebook_steps",
]

_PART = "notebook"
_EVERYWHERE = frozenset({"*", "0.0.0.0", "::"})  # noqa: S104 - recognised, never bound
_LOOPBACK = "127.0.0.1"
# Whom the server runs as where the rig has no accounts.
_ACCOUNT = "notebook"
_USUAL_PATH = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")


@dataclass(frozen=True)
class Server:
    """A server of the rig: who uses it, on which port, and on which GPUs (None: on all)."""

    user: str
    port: int
    gpus: tuple[int, ...] | None

    @property
    def id(self) -> str:
        """The id of its step."""
        return f"notebook-{self.user.replace('_', '-')}"


def notebook_servers(rig: Rig) -> tuple[Server, ...]:
    """A server a user; who names no port has that of the service."""
    jupyter = rig.service.jupyter
    if jupyter is None:
        return ()
    if not rig.user:
        return (Server(_ACCOUNT, jupyter.port, None),)
    return tuple(
        Server(name, user.jupyter_port or jupyter.port, user.gpus)
        for name, user in sorted(rig.user.items())
    )


def notebook_account(rig: Rig) -> Iterator[User]:
    """The account that the server has for itself, where the rig has none."""
    if rig.service.jupyter is not None and not rig.user:
        yield User(
            id=f"user-{_ACCOUNT}", title="Account of the notebook", part="user", name=_ACCOUNT
        )


def notebook_steps(
    rig: Rig,
    locked: LockedMachine,
    session: Variables | None,
    environments: Sequence[EnvironmentVariables] = (),
) -> Iterator[Step]:
    """The servers: ``session`` has the variables that every log-in session gets, ``environments``
    those of each environment.
    """
    if rig.service.jupyter is None or locked.notebook is None:
        return
    tools = packages_of(locked, "certificate")
    if tools:
        yield AptPackages(
            id="certificate-tools",
            title="What makes certificates",
            part="certificate",
            packages=tools,
            listed=package_list_file(locked, "certificate"),
        )
    shared = session.variables if session is not None else ()
    steps = [step for step in environments if step.name == locked.notebook.env]
    own = tuple(variable for step in steps for variable in step.variables)
    for server in notebook_servers(rig):
        yield from _server(rig.service.jupyter, locked.notebook, server, shared, own)


def notebook_files(locked: LockedMachine) -> Iterator[PayloadFile]:
    """The programs that read a server's settings: to run it, and to ask how it is."""
    if locked.notebook is not None:
        yield PayloadFile(NOTEBOOK_CONFIG, _text(NOTEBOOK_CONFIG))
        yield PayloadFile(NOTEBOOK_HEALTH, _text(NOTEBOOK_HEALTH))


def _server(
    jupyter: Jupyter,
    locked: LockedNotebook,
    server: Server,
    shared: tuple[Variable, ...],
    own: tuple[Variable, ...],
) -> Iterator[Step]:
    """``shared`` is of every log-in session: a container has it as it is."""
    user, step = server.user, server.id
    needs: tuple[str, ...] = ()
    if jupyter.tls:
        tls = Tls() if jupyter.tls is True else jupyter.tls
        needs += (f"{step}-certificate",)
        yield Certificate(
            id=needs[-1],
            title=f"Certificate of the notebook of {user}",
            part=_PART,
            certificate=notebook_path(user, "crt"),
            key=notebook_path(user, "key"),
            algorithm=tls.key,
            days=tls.days,
            owner=user,
        )
    if jupyter.password is not None:
        needs += (f"{step}-password",)
        yield Secret(
            id=needs[-1],
            title=f"Password of the notebook of {user}",
            part=_PART,
            name=jupyter.password.secret,
            path=notebook_path(user, "password"),
            owner=user,
        )
    settings = f"{step}-settings"
    yield File(
        id=settings,
        title=f"Settings of the notebook of {user}",
        part=_PART,
        path=notebook_path(user, "json"),
        content=_settings(jupyter, locked, server),
    )
    yield Service(
        id=step,
        title=f"Notebook of {user} on port {server.port}",
        part=_PART,
        needs=(*needs, settings),
        name=f"rig-notebook-{user}.service",
        unit=_unit(jupyter, locked, server, (*shared, *own)),
        configured_by=(*needs, settings),  # it reads them once, when it starts
        # In a container every interface is its own: what reaches it is for the engine to say.
        command=(*_program(locked), f"--{locked.section}.ip=0.0.0.0"),
        user=user,
        port=server.port,
        address=_LOOPBACK if jupyter.address in _EVERYWHERE else jupyter.address,
        variables=(
            Variable("RIG_NOTEBOOK", (notebook_path(user, "json"),), prepend=False),
            Variable("PATH", (f"{env_path(locked.env)}/bin",), prepend=True),
            *own,
        ),
        health=(env_python(locked.env), installed_lock_path(NOTEBOOK_HEALTH)),
        programs=(NOTEBOOK_CONFIG, NOTEBOOK_HEALTH),
    )


def _program(locked: LockedNotebook) -> tuple[str, ...]:
    config = f"--config={installed_lock_path(NOTEBOOK_CONFIG)}"
    return (env_python(locked.env), "-m", "notebook", config)


def _settings(jupyter: Jupyter, locked: LockedNotebook, server: Server) -> str:
    values: dict[str, object] = {
        "ip": jupyter.address,
        "port": server.port,
        "port_retries": 0,  # another port than the one that was asked for is no help
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


def _unit(
    jupyter: Jupyter, locked: LockedNotebook, server: Server, variables: Sequence[Variable]
) -> str:
    secrets = [notebook_path(server.user, "password")] if jupyter.password is not None else []
    return Template(_text("notebook.service")).substitute(
        user=server.user,
        conditions="".join(f"ConditionPathExists={path}\n" for path in secrets),
        environment="\n".join(_environment(locked, server, variables)),
        command=" ".join(_program(locked)),
    )


def _environment(
    locked: LockedNotebook, server: Server, variables: Sequence[Variable]
) -> Iterator[str]:
    """What a log-in session and the environment have; the environment's programs come first."""
    yield _assignment("RIG_NOTEBOOK", notebook_path(server.user, "json"))
    path = [f"{env_path(locked.env)}/bin"]
    for variable in variables:
        if variable.name == "PATH":
            path += variable.values
        else:
            yield _assignment(variable.name, ":".join(variable.values))
    yield _assignment("PATH", ":".join((*path, *_USUAL_PATH)))
    if server.gpus is not None:
        # The numbers of nvidia-smi, not those of the order of speed.
        yield _assignment("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
        yield _assignment("CUDA_VISIBLE_DEVICES", ",".join(map(str, server.gpus)))


def _assignment(name: str, value: str) -> str:
    """A variable of a unit: systemd.exec(5) takes quotes, and `%` for a specifier."""
    quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'Environment="{name}={quoted}"'


def _text(name: str) -> str:
    return (resources.files("rigspec.plan") / "payload" / name).read_text(encoding="utf-8")
