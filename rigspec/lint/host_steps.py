"""Lint what a rig requests of its host that no compiled target can install there."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.hardware.switch_boards import find_switch_board
from rigspec.lint.compiled import lint_missing_compilers
from rigspec.lint.unlisted import lint_source_builds
from rigspec.matrix.model import Matrix, Release
from rigspec.matrix.part_lookup import find_part
from rigspec.resolution import NO_DRIVER, UNKNOWN_SYSTEM, Resolution
from rigspec.resolve.container_toolkit import (
    find_container_toolkit_key,
    needs_container_toolkit,
)
from rigspec.resolve.problem.model import KeyPath
from rigspec.spec.loader import LoadedSpec
from rigspec.spec.system_services import (
    FROM_ENVIRONMENT,
    SERVICE_PATHS,
    find_session_environment,
    list_requested_services,
)
from rigspec.spec.types import has_apt

__all__ = ["lint_host_steps"]

_CODE = "RS255"

# Sources of a toolkit that are packages of the system, and all that a step installs.
_PACKAGED = ("nvidia", "debian")
_INSTALLED = (*_PACKAGED, "runfile")
_SSH_PORT = 22
_ANOTHER_SYSTEM = "use a long-term release of Ubuntu, Debian, or release 9 or 10 of Rocky Linux"


def lint_host_steps(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution | None
) -> Iterator[Diagnostic]:
    """Report the driver, the toolkit, packages and services that no step would install."""
    if resolution is None or resolution.os == UNKNOWN_SYSTEM:
        return
    yield from lint_missing_compilers(spec, matrix, resolution)
    yield from lint_source_builds(spec, matrix, resolution)
    yield from _lint_driver(spec, matrix, resolution)
    yield from _lint_toolkit(spec, matrix, resolution)
    yield from _lint_archives(spec, matrix, resolution)
    yield from _lint_engine(spec, matrix, resolution)
    yield from _lint_services(spec, matrix, resolution)
    if has_apt(resolution.os):
        return
    if _get_system_value(matrix, resolution.os, "package_manager") is None:
        yield from _lint_packages(spec, resolution)
    yield from _lint_ssh_port(spec, resolution)
    yield from _lint_interpreters(spec, matrix, resolution)


def _lint_driver(spec: LoadedSpec, matrix: Matrix, resolution: Resolution) -> Iterator[Diagnostic]:
    """Report a driver that no step installs; `from = "none"` says that the machine has it.

    It is a warning where the machine may well have it and nothing else is known: on a system
    without a table, and if only a runfile has the version and the spec does not ask for one.
    """
    name, source = resolution.machine, resolution.driver_source
    if name is None or resolution.driver is None or source in (None, NO_DRIVER):
        return
    requested = spec.rig.machine[name].driver_source is not None
    is_listed = matrix.product("os").find_release(resolution.os) is not None
    is_error = requested or (is_listed and source != "runfile")
    stated = f'driver = {{ version = "{resolution.driver}", from = "none" }}'
    remedy = f"set `{stated}` and install it by hand"
    has_packages = _has_packages(matrix, resolution.os)
    if source == "runfile":
        message = f"the NVIDIA driver {resolution.driver} comes as a runfile, which no step runs"
        if requested and has_packages:
            remedy = f"remove `from`, or {remedy}"
    elif not has_packages:
        message = f"the NVIDIA driver {resolution.driver} cannot be installed on {resolution.os}"
        remedy = f"{remedy}, or {_ANOTHER_SYSTEM}"
    elif source == "distribution" and find_switch_board(spec.rig, name, matrix) is not None:
        message = "CUDA fails on this server, because no step sets up the switches between its GPUs"
        remedy = f'set `from = "nvidia"`, whose driver comes with Fabric Manager, or {remedy}'
    else:
        return
    path = _get_driver_path(spec, name, requested)
    severity = Severity.ERROR if is_error else Severity.WARNING
    yield _diagnostic(spec, path, message, remedy, ("driver",), severity)


def _has_packages(matrix: Matrix, os: str) -> bool:
    """Return whether steps install packages on the system."""
    return has_apt(os) or _get_system_value(matrix, os, "package_manager") is not None


def _get_driver_path(spec: LoadedSpec, machine: str, requested: bool) -> KeyPath:
    if requested:
        return ("machine", machine, "driver", "from")
    return ("machine", machine, "gpus" if spec.rig.machine[machine].driver is None else "driver")


def _lint_toolkit(spec: LoadedSpec, matrix: Matrix, resolution: Resolution) -> Iterator[Diagnostic]:
    cuda, provider = spec.rig.cuda, resolution.cuda_provider
    if resolution.cuda is None or provider not in _INSTALLED:
        return
    included = _find_included_toolkit(spec, matrix, resolution)
    if included is not None:
        system, card = included
        message = f"no step installs CUDA {resolution.cuda} on a {card}: its CUDA is part of "
        message += system
        remedy = f'set `provider = "wheels"` in `[cuda]`, and install {system} by hand'
        path = _get_toolkit_path(spec, resolution, "gpus")
        yield _diagnostic(spec, path, message, remedy, ("cuda", "gpu"))
        return
    if provider not in _PACKAGED:
        return
    repository = provider != "nvidia" or _get_system_value(matrix, resolution.os, "nvidia_slug")
    if repository and _has_packages(matrix, resolution.os):
        return
    releases = matrix.product("cuda").releases
    runfile = any(r.label == resolution.cuda and r.artifacts for r in releases)
    request = 'set `provider = "runfile"` in' if cuda else 'add `provider = "runfile"` in a table'
    remedy = f"{request} `[cuda]`, or " if runfile else ""
    path = _get_toolkit_path(spec, resolution, "os")
    message = f"the packages of CUDA {resolution.cuda} cannot be installed on {resolution.os}"
    yield _diagnostic(spec, path, message, f"{remedy}{_ANOTHER_SYSTEM}", ("cuda", "os"))


def _get_toolkit_path(spec: LoadedSpec, resolution: Resolution, key: str) -> KeyPath:
    """Return the line about the source of the toolkit, else the key of the machine.

    A framework that needs a toolkit does not exclude the machine: the step does.
    """
    cuda = spec.rig.cuda
    if cuda is None:
        return ("machine", resolution.machine or "", key)
    return ("cuda", "provider") if "provider" in cuda.model_fields_set else ("cuda",)


def _find_included_toolkit(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution
) -> tuple[str, str] | None:
    """Return the software of a machine that includes its toolkit, and the card that needs it."""
    machine = spec.rig.machine[resolution.machine] if resolution.machine is not None else None
    for gpu in machine.gpus if machine is not None else ():
        card = find_part(matrix.product("gpu"), gpu.model or "")
        system = card.get("toolkit_in") if card is not None else None
        if card is not None and system is not None:
            return system, card.label
    return None


def _lint_archives(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution
) -> Iterator[Diagnostic]:
    """Report a runfile or an installer of conda of which only another architecture's is known."""
    arch = resolution.arch
    if resolution.cuda_provider == "runfile":
        release = matrix.product("cuda").find_release(resolution.cuda or "")
        if _lacks_architecture(release, arch):
            path = _get_toolkit_path(spec, resolution, "arch")
            message = f"the runfile of CUDA {resolution.cuda} is not known for {arch}"
            remedy = 'set `provider = "nvidia"` in `[cuda]`'
            yield _diagnostic(spec, path, message, remedy, ("cuda", "arch"))
    for env in resolution.envs:
        installers = matrix.product("installer") if env.installer is not None else None
        found = installers.find_release(env.installer or "") if installers is not None else None
        if _lacks_architecture(found, arch):
            named = spec.rig.env[env.name].interpreter is not None
            path = ("env", env.name, "interpreter") if named else ("env", env.name)
            message = f"the installer {env.installer} is not known for {arch}"
            remedy = f'set `interpreter = "uv"` in `[env.{env.name}]`'
            yield _diagnostic(spec, path, message, remedy, ("python", "arch"))


def _lacks_architecture(release: Release | None, arch: str) -> bool:
    return release is not None and bool(release.artifacts) and not release.find_artifact(arch)


def _lint_engine(spec: LoadedSpec, matrix: Matrix, resolution: Resolution) -> Iterator[Diagnostic]:
    """Report a container engine that no step installs; ``from = "none"``: the machine has it."""
    name = resolution.machine
    machine = spec.rig.machine[name] if name is not None else None
    if name is None or machine is None or not machine.installs_engine:
        return
    if machine.kind == "wsl":
        where = "under WSL"
    elif not _get_system_value(matrix, resolution.os, "engine_packages"):
        where = f"on {resolution.os}"
    else:
        yield from _lint_container_toolkit(spec, name, matrix, resolution)
        return
    version = machine.engine_version
    stated = f'version = "{version}", ' if version != "*" else ""
    remedy = f'set `docker = {{ {stated}from = "none" }}` and install it by hand'
    if machine.kind != "wsl":
        remedy += ", or use Debian or a long-term release of Ubuntu"
    message = f"a container engine cannot be installed {where}"
    yield _diagnostic(spec, ("machine", name, "docker"), message, remedy, ("docker", "os"))


def _lint_container_toolkit(
    spec: LoadedSpec, machine: str, matrix: Matrix, resolution: Resolution
) -> Iterator[Diagnostic]:
    if not needs_container_toolkit(resolution) or find_container_toolkit_key(resolution, matrix):
        return
    system = f"{resolution.os}{resolution.architecture_remark}"
    message = "containers cannot use the GPUs, because no source documents the packages of the "
    message += f"NVIDIA Container Toolkit for {system}"
    path: KeyPath = ("machine", machine, "docker")
    remedy = "install the NVIDIA Container Toolkit by hand"
    yield _diagnostic(spec, path, message, remedy, ("docker", "os"), Severity.WARNING)


def _lint_packages(spec: LoadedSpec, resolution: Resolution) -> Iterator[Diagnostic]:
    system, jupyter = spec.rig.system, spec.rig.service.jupyter
    if system is not None and system.packages:
        message = f"packages cannot be installed on {resolution.os}: {', '.join(system.packages)}"
        remedy = f"remove `packages` and install them by hand, or {_ANOTHER_SYSTEM}"
        yield _diagnostic(spec, ("system", "packages"), message, remedy, ("os",))
    if jupyter is not None and jupyter.tls:
        message = f"openssl, which creates the certificate, cannot be installed on {resolution.os}"
        remedy = f"remove `tls`, or {_ANOTHER_SYSTEM}"
        yield _diagnostic(spec, ("service", "jupyter", "tls"), message, remedy, ("os",))


def _lint_ssh_port(spec: LoadedSpec, resolution: Resolution) -> Iterator[Diagnostic]:
    """Report another port of sshd: SELinux allows 22 only, and no step allows another one."""
    ssh = spec.rig.service.ssh
    if ssh is not None and ssh.port != _SSH_PORT:
        message = f"sshd cannot listen on port {ssh.port} on {resolution.os}, "
        message += f"because SELinux allows port {_SSH_PORT} only"
        path: KeyPath = ("service", "ssh", "port")
        yield _diagnostic(spec, path, message, f"remove `port` or set it to {_SSH_PORT}", ("os",))


def _lint_interpreters(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution
) -> Iterator[Diagnostic]:
    """Report interpreters that need packages: those to build Python, or that of another Python."""
    python = _get_system_value(matrix, resolution.os, "python3")
    builds = _get_system_value(matrix, resolution.os, "python_build_packages")
    for env in resolution.envs:
        series = ".".join(env.python.split(".")[:2])
        if env.interpreter == "pyenv" and not builds:
            problem = f"Python {env.python} cannot be built on {resolution.os}, because no step "
            problem += "installs a compiler there"
        elif env.interpreter == "system" and series != python:
            problem = f"the package of Python {series} cannot be installed on {resolution.os}"
        else:
            continue
        remedy = f'set `interpreter = "uv"` or "conda" in `[env.{env.name}]`'
        named = spec.rig.env[env.name].interpreter is not None
        path: KeyPath = ("env", env.name, "interpreter" if named else "python")
        yield _diagnostic(spec, path, problem, remedy, ("python", "os"))


def _lint_services(
    spec: LoadedSpec, matrix: Matrix, resolution: Resolution
) -> Iterator[Diagnostic]:
    """Report the services whose packages or units on this system are unknown."""
    services = spec.rig.service
    for name in list_requested_services(services):
        form = _get_system_value(matrix, resolution.os, f"{name}_form")
        path: KeyPath = SERVICE_PATHS[name]
        if form == FROM_ENVIRONMENT and find_session_environment(services) is None:
            message = f"{resolution.os} has no package of {name}'s session loader"
            yield _diagnostic(spec, path, message, "set `env` in a session", ("os",))
        elif not form or not _get_system_value(matrix, resolution.os, f"{name}_packages"):
            message = f"the service {name} cannot be set up on {resolution.os}"
            remedy = "remove it and set it up by hand, or use another operating system"
            yield _diagnostic(spec, path, message, remedy, ("os",))


def _get_system_value(matrix: Matrix, os: str, name: str) -> str | None:
    """Return a property of a system; None without it, or if no table lists the system."""
    system = matrix.product("os").find_release(os)
    return system.get(name) if system is not None else None


def _diagnostic(
    spec: LoadedSpec,
    path: KeyPath,
    message: str,
    remedy: str,
    components: tuple[str, ...],
    severity: Severity = Severity.ERROR,
) -> Diagnostic:
    return Diagnostic(
        code=_CODE,
        severity=severity,
        message=message,
        components=components,
        spans=(spec.document.span(path, label="no step would install it"),),
        help=(remedy,),
    )
