"""A Python environment, locked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from rigspec.lock import old_python, uv_engine
from rigspec.lock.conda_env import CondaLock, conda_specs, solve_conda
from rigspec.lock.failures import no_solution
from rigspec.lock.files import release_of
from rigspec.lock.location import on_machine
from rigspec.lock.model import LockedEnv, LockedInterpreter, LockedSettings
from rigspec.lock.target import TargetInterpreter, target_interpreter
from rigspec.matrix.model import Matrix
from rigspec.resolution import EnvResolution, Resolution
from rigspec.spec.environment import Environment
from rigspec.spec.model import Rig
from rigspec.versions import parse_specifier

__all__ = ["Kept", "locked_env"]

_HEADER = "# Written by rigspec: do not edit. Install with pip --require-hashes --no-deps.\n"


@dataclass(frozen=True)
class Kept:
    """What an environment was locked at before; the packages in ``moving`` may leave it."""

    requirements: str = ""
    tools: str = ""
    moving: tuple[str, ...] = ()


def locked_env(
    rig: Rig,
    resolution: Resolution,
    env: EnvResolution,
    matrix: Matrix,
    index: str | None,
    kept: Kept,
) -> LockedEnv:
    """Resolve and pin one environment; ``kept`` stays where it can. Raises LockFailure."""
    spec = rig.env[env.name]
    target = target_interpreter(resolution, env)
    pins = [f"{pin.name}=={pin.version}" for pin in env.distributions]
    managed = spec.manager == "conda"
    wanted = pins if managed else [*pins, *_packages(spec)]
    conda = _conda(rig, resolution, env) if managed else CondaLock("", "")
    tools = [f"pip=={env.pip}", *_tools(matrix, target)]
    engine = "uv" if target.series >= uv_engine.LEAST_PYTHON else "resolvelib"
    # What the tools file installs, the requirements file must not install at another version.
    compiled = partial(_compiled, engine, env.name, target=target, index=index, moving=kept.moving)
    # `as_of` is a day for the packages: what installs and builds them is not cut.
    held = compiled(tools, [], as_of=None, kept=kept.tools)
    bounds = [*env.constraints, *_as_constraints(held)]
    requirements = compiled(wanted, bounds, as_of=spec.as_of, kept=kept.requirements)
    return LockedEnv(
        name=env.name,
        engine=engine,
        requirements=_HEADER + _without(requirements, held),
        tools=_HEADER + held,
        interpreter=_interpreter(spec, resolution, env, matrix),
        settings=tuple(_settings(spec, matrix)),
        conda_lock=conda.conda_lock,
        explicit=conda.explicit,
    )


def _conda(rig: Rig, resolution: Resolution, env: EnvResolution) -> CondaLock:
    """Conda brings the interpreter and the plain packages, pip the frameworks."""
    spec = rig.env[env.name]
    mirror = rig.mirrors.conda
    channels = [c if "://" in c or mirror is None else f"{mirror}/{c}" for c in spec.channels]
    if not channels:
        raise no_solution(env.name, "an environment that conda manages needs `channels`")
    series = ".".join(env.python.split(".")[:2])
    return solve_conda(env.name, conda_specs(series, spec.packages), channels, resolution)


def _compiled(
    engine: str,
    env: str,
    wanted: Sequence[str],
    constraints: Sequence[str],
    *,
    target: TargetInterpreter,
    index: str | None,
    as_of: dt.date | None,
    kept: str,
    moving: tuple[str, ...],
) -> str:
    if engine == "uv":
        return uv_engine.compile_requirements(
            env,
            wanted,
            constraints,
            target,
            index=index,
            as_of=as_of,
            kept=kept,
            moving=moving,
        )
    if as_of is not None:
        why = f"`as_of` needs an engine that reads upload times; none does for {target.version}"
        raise no_solution(env, why)
    return old_python.compile_requirements(
        env, wanted, constraints, target, index=index, kept=kept, moving=moving
    )


def _packages(spec: Environment) -> Iterator[str]:
    for name, requested in sorted(spec.packages.items()):
        yield f"{name}{parse_specifier(requested) or ''}"


def _tools(matrix: Matrix, target: TargetInterpreter) -> Iterator[str]:
    """Setuptools and wheel, at most as new as the matrix knows to run on the interpreter."""
    series = ".".join(str(part) for part in target.series)
    figures = next(
        (r for r in matrix.product("python").releases if r.figure("series") == series), None
    )
    for tool in ("setuptools", "wheel"):
        last = figures.figure(f"last_{tool}") if figures is not None else None
        yield f"{tool}<={last}" if last is not None else tool


def _as_constraints(requirements: str) -> list[str]:
    return [line.split(" ")[0] for line in requirements.splitlines() if "==" in line]


def _without(requirements: str, held: str) -> str:
    """The requirements less those that the tools file installs already."""
    names = {line.partition("==")[0] for line in _as_constraints(held)}
    kept, taking = [], True
    for line in requirements.splitlines(keepends=True):
        if not line.startswith(" "):
            taking = line.partition("==")[0] not in names
        if taking:
            kept.append(line)
    return "".join(kept)


def _interpreter(
    spec: Environment, resolution: Resolution, env: EnvResolution, matrix: Matrix
) -> LockedInterpreter:
    kind = spec.interpreter_kind
    series = ".".join(env.python.split(".")[:2])
    if kind == "conda" and env.installer is not None:
        file = release_of(matrix, "installer", env.installer).artifacts[0]
        if spec.manager == "conda":
            listed = on_machine(f"{env.name}.explicit.txt")
            create = ("conda", "create", "--yes", "--quiet", "--file", listed, "--prefix")
            return LockedInterpreter(kind, create, installer=file.name)
        return LockedInterpreter(kind, ("python", "-m", "venv"), installer=file.name)
    if kind == "system":
        major = series.split(".")[0]
        named = release_of(matrix, "os", resolution.os).figure(f"python{major}_packages")
        packages = tuple((named or "").split())
        if major == "2":
            return LockedInterpreter(kind, ("virtualenv", "--python", f"python{series}"), packages)
        return LockedInterpreter(kind, ("python3", "-m", "venv"), packages)
    return LockedInterpreter(kind, (f"python{series}", "-m", "venv"))


def _settings(spec: Environment, matrix: Matrix) -> Iterator[LockedSettings]:
    for framework in sorted(spec.config):
        file = matrix.product(framework).settings_file
        if file is not None:
            yield LockedSettings(framework, file.path, file.format)
