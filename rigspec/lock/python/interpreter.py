"""Select the source of an interpreter, and the command that creates its environment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rigspec.lock.artifacts import find_interpreter_archive, find_release
from rigspec.lock.model import LockedInterpreter
from rigspec.lock.paths import get_installed_lock_path
from rigspec.matrix.model import Matrix
from rigspec.resolution import EnvResolution, Resolution
from rigspec.resolve.problem.requested_packages import find_requested_pip
from rigspec.spec.models.environment import Environment
from rigspec.version_specifiers import parse_specifier

__all__ = [
    "explain_pip",
    "find_interpreter_figures",
    "list_bootstrap_tools",
    "list_tools",
    "lock_interpreter",
]

# The last virtualenv without dependencies, for Python 2.7, which has no venv module. Those of
# virtualenv 20 on Python 2.7 need scandir, which has no wheel for Linux:
# https://pypi.org/project/scandir/1.10.0/#files
_VIRTUALENV_2 = "virtualenv<20"
_FROM_SOURCE = "pyenv"


def list_bootstrap_tools(spec: Environment, env: EnvResolution) -> Iterator[str]:
    """Yield what has to be installed into the interpreter before it can create environments."""
    if _is_python_2(env) and env.interpreter != "system" and spec.manager == "venv":
        yield _VIRTUALENV_2


def explain_pip(spec: Environment, env: EnvResolution) -> str:
    """Return why the environment has this pip, for a conflict with a package."""
    line = find_requested_pip(spec)
    requested = spec.pip if line is None else line.request
    if requested is not None:
        return f"the spec requires pip {requested}"
    return f"rigspec pins pip {env.pip} for Python {env.python}"


def lock_interpreter(
    spec: Environment, resolution: Resolution, env: EnvResolution, matrix: Matrix
) -> LockedInterpreter:
    """Return the source of the interpreter, with the system's packages that it needs."""
    kind = env.interpreter
    module = "virtualenv" if _is_python_2(env) else "venv"
    if kind == "conda" and env.installer is not None:
        file = find_release(matrix, "installer", env.installer).artifacts[0]
        if spec.manager == "conda":
            listed = get_installed_lock_path(f"{env.name}.explicit.txt")
            create = ("conda", "create", "--yes", "--quiet", "--file", listed, "--prefix")
            return LockedInterpreter(kind, create, installer=file.name)
        return LockedInterpreter(kind, ("python", "-m", module), installer=file.name)
    series = ".".join(env.python.split(".")[:2])
    if kind == "system":
        return _system_interpreter(resolution, series, matrix)
    command = (f"python{series}", "-m", module)
    archive = find_interpreter_archive(matrix, kind, env.python, resolution.arch)
    if archive is None:
        return LockedInterpreter(kind, command)
    packages = _build_packages(resolution, matrix) if kind == _FROM_SOURCE else ()
    return LockedInterpreter(kind, command, packages, archive.name)


def _system_interpreter(resolution: Resolution, series: str, matrix: Matrix) -> LockedInterpreter:
    major = series.partition(".")[0]
    named = find_release(matrix, "os", resolution.os).get(f"python{major}_packages")
    packages = tuple((named or "").split())
    if major == "2":
        create = ("virtualenv", "--python", f"python{series}")
        return LockedInterpreter("system", create, packages)
    return LockedInterpreter("system", ("python3", "-m", "venv"), packages)


def _build_packages(resolution: Resolution, matrix: Matrix) -> tuple[str, ...]:
    """The packages that Python is built with, optional modules included."""
    named = find_release(matrix, "os", resolution.os).get("python_build_packages")
    return tuple((named or "").split())


def _is_python_2(env: EnvResolution) -> bool:
    return env.python.startswith("2.")


def list_tools(
    spec: Environment, interpreter: Mapping[str, str], env: EnvResolution
) -> Iterator[str]:
    """Yield setuptools and wheel: as requested, else the newest that run on the interpreter."""
    yield from list_bootstrap_tools(spec, env)
    for tool in ("setuptools", "wheel"):
        last = interpreter.get(f"last_{tool}")
        known = f"<={last}" if last is not None else ""
        yield f"{tool}{parse_specifier(spec.requests.get(tool, '*')) or known}"


def find_interpreter_figures(matrix: Matrix, env: EnvResolution) -> Mapping[str, str]:
    """Return the figures of the environment's interpreter in the matrix."""
    series = ".".join(env.python.split(".")[:2])
    releases = matrix.product("python").releases
    return next((dict(r.properties) for r in releases if r.get("series") == series), {})
