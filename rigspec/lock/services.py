"""The services of the system: their packages and units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from packaging.version import Version

from rigspec.lock.artifacts import find_release
from rigspec.lock.model import (
    LockedEnv,
    LockedMachine,
    LockedNotebook,
    LockedPackage,
    LockedService,
    Unpinned,
)
from rigspec.matrix.components import JUPYTERLAB, NOTEBOOK
from rigspec.matrix.model import Matrix, Release
from rigspec.resolution import Resolution
from rigspec.spec.models.rig import Rig
from rigspec.spec.other_services import list_other_services
from rigspec.spec.system_services import (
    FROM_ENVIRONMENT,
    find_session_environment,
    list_requested_services,
)
from rigspec.version_specifiers import normalize_name

__all__ = [
    "ACCOUNT",
    "KERNEL",
    "TMUXP",
    "find_notebook",
    "find_notebook_program",
    "find_service_differences",
    "find_unknown_services",
    "get_part",
    "list_notebook_packages",
    "list_service_packages",
    "list_services",
    "provides_tmuxp",
]

# Each service of the system, and the part of a rig that it is: a container may have the first.
_PARTS: Mapping[str, str] = {
    "ssh": "service",
    "fail2ban": "host-service",
    "tmux": "tmux",
    "dyndns": "host-service",
    "node_exporter": "host-service",
    "prometheus": "host-service",
}
# The part of services that are not part of the spec language.
_OTHER_PART = "host-service"
# What makes a certificate, as Debian and Ubuntu package it.
_CERTIFICATES = "openssl"
# The program that loads sessions, where an environment has to provide it.
TMUXP = "tmuxp"
# The package that runs notebooks in an environment without a server.
KERNEL = "ipykernel"
# Part of a dynamic DNS protocol that needs an account and its password.
ACCOUNT = "account"


def get_part(service: str) -> str:
    """The part of a rig that a service of the system is."""
    return _PARTS.get(service, _OTHER_PART)


def list_services(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[LockedService]:
    """Each service of the rig that the matrix knows on this system."""
    system = find_release(matrix, "os", resolution.os)
    for name in list_requested_services(rig.service):
        figures = {key: system.get(f"{name}_{key}") or "" for key in _FIGURES}
        options = _options(rig, system, name, figures)
        if figures["packages"] and figures["form"] and options is not None:
            yield LockedService(
                name,
                tuple(figures["packages"].split()),
                figures["unit"],
                figures["settings"],
                figures["form"],
                options or None,
            )
    for name, table in list_other_services(rig.service).items():
        packages = table.list_packages(resolution.os)
        if packages is not None:
            yield LockedService(name, packages, table.unit, settings="", form="")


def list_service_packages(rig: Rig, services: Iterable[LockedService]) -> Iterator[LockedPackage]:
    """Yield the packages of the services, and the one that creates their certificates."""
    names = {(get_part(service.name), name) for service in services for name in service.packages}
    for part, name in sorted(names):
        yield LockedPackage(name, part)
    if rig.service.jupyter is not None and rig.service.jupyter.tls:
        # A separate part: a container creates certificates and has none of the system's services.
        yield LockedPackage(_CERTIFICATES, "certificate")


def provides_tmuxp(rig: Rig, resolution: Resolution, matrix: Matrix, env: str) -> bool:
    """Return whether this environment has to provide the loader of the rig's tmux sessions."""
    if not rig.service.tmux:
        return False
    form = find_release(matrix, "os", resolution.os).get("tmux_form")
    return form == FROM_ENVIRONMENT and find_session_environment(rig.service) == env


def find_unknown_services(rig: Rig, resolution: Resolution, matrix: Matrix) -> Iterator[Unpinned]:
    """Yield the services with no known package or unit on this system."""
    known = {service.name for service in list_services(rig, resolution, matrix)}
    system = find_release(matrix, "os", resolution.os)
    for name in list_requested_services(rig.service):
        if name not in known:
            why = f"the matrix does not know how {resolution.os} runs it: set it up by hand"
            if system.get(f"{name}_form") == FROM_ENVIRONMENT:
                why = f"{resolution.os} has no package {TMUXP}: name an `env` for a session"
            yield Unpinned(_label(name), why)
    for name in sorted(list_other_services(rig.service).keys() - known):
        yield Unpinned(_label(name), f"it does not support {resolution.os}: set it up by hand")


def find_service_differences(rig: Rig, locked: LockedMachine) -> Iterator[str]:
    """The services that only the spec or only the lock has."""
    requested, has = (
        {*list_requested_services(rig.service), *list_other_services(rig.service)},
        {service.name for service in locked.services},
    )
    open_ = {item.what for item in locked.unpinned}
    for name in sorted(requested ^ has):
        if name in has or _label(name) not in open_:
            yield f"{_label(name)} is only in the {'spec' if name in requested else 'lock'}"
    for service in locked.services:
        loaded = service.form == FROM_ENVIRONMENT and service.name in requested
        if loaded and service.options != find_session_environment(rig.service):
            yield f"the sessions are loaded by {service.options} in the lock"
    served = rig.service.jupyter.env if rig.service.jupyter is not None else None
    before = locked.notebook.env if locked.notebook is not None else None
    if served != before:
        yield f"the notebook server is of {before or 'no environment'} in the lock"
    kernels = rig.service.jupyter.kernels if rig.service.jupyter is not None else ()
    for env in locked.envs:
        if env.name in kernels and not env.has_package(KERNEL):
            yield f"`{env.name}` has no {KERNEL} in the lock"


_FIGURES = ("packages", "unit", "settings", "form", "options")


def _label(name: str) -> str:
    return f"the service {name}"


def _options(rig: Rig, system: Release, name: str, figures: Mapping[str, str]) -> str | None:
    """Return further options; None where the rig does not set all that are needed."""
    if figures["form"] == FROM_ENVIRONMENT:
        return find_session_environment(rig.service)
    spoken = (system.get(f"{name}_protocols") or "").split()
    # A protocol that needs no account is written with a dash after its name.
    if rig.service.dyndns is not None and rig.service.dyndns.protocol in spoken:
        return f"{figures['options']} {ACCOUNT}"
    return figures["options"]


def _serves_notebooks(rig: Rig, env: str) -> bool:
    """Return whether the rig's notebook server runs in this environment."""
    return rig.service.jupyter is not None and rig.service.jupyter.env == env


def list_notebook_packages(rig: Rig, env: str) -> Iterator[str]:
    """Yield the package that an environment needs for notebooks: the server, or its kernel."""
    if _serves_notebooks(rig, env):
        yield find_notebook_program(rig, env)
    elif rig.service.jupyter is not None and env in rig.service.jupyter.kernels:
        yield KERNEL


def find_notebook_program(rig: Rig, env: str) -> str:
    """Return the package that has the server: JupyterLab, if the environment requests it."""
    names = {str(normalize_name(name)) for name in rig.env[env].packages}
    return JUPYTERLAB if JUPYTERLAB in names else NOTEBOOK


def find_notebook(rig: Rig, envs: Iterable[LockedEnv], matrix: Matrix) -> LockedNotebook | None:
    """The server at the version that was locked; None where the rig has none."""
    for env in envs:
        if _serves_notebooks(rig, env.name):
            found = {package.name: package.version for package in env.packages}
            found |= {package.name: package.version for package in env.conda_packages}
            program = find_notebook_program(rig, env.name)
            return _notebook(env.name, program, Version(found[program]), matrix)
    return None


def _notebook(env: str, program: str, version: Version, matrix: Matrix) -> LockedNotebook:
    rows = matrix.product(program).releases
    row = max(
        (row for row in rows if Version(row.version) <= version),
        key=lambda row: Version(row.version),
    )
    section, password = row.get("section") or "", row.get("password") or ""
    return LockedNotebook(env, str(version), section, password, program)
