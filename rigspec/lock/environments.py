"""A Python environment, locked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from rigspec.lock.answers import Answers
from rigspec.lock.conda_env import CondaLock, conda_specs, solve_conda
from rigspec.lock.engines import compile_requirements, engine_for
from rigspec.lock.failures import no_solution
from rigspec.lock.files import release_of
from rigspec.lock.index_address import configured_index
from rigspec.lock.location import on_machine
from rigspec.lock.model import LockedEnv, LockedInterpreter, LockedSettings
from rigspec.lock.pylock import pylock
from rigspec.lock.question import Question
from rigspec.lock.requirements import names_of, pins, without
from rigspec.lock.target import target_interpreter
from rigspec.matrix.model import Matrix
from rigspec.resolution import EnvResolution, Resolution
from rigspec.spec.environment import Environment
from rigspec.spec.model import Rig
from rigspec.versions import parse_specifier

__all__ = ["Kept", "LockSettings", "locked_env"]

_HEADER = "# Written by rigspec: do not edit. Install with pip --require-hashes --no-deps.\n"


@dataclass(frozen=True)
class LockSettings:
    """How to lock: with which engine (None: the one that knows the interpreter), and whether a
    ``pylock.toml`` is wanted beside the requirements.
    """

    engine: str | None = None
    pylock: bool = False
    answers: Answers = field(default_factory=Answers)


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
    kept: Kept,
    settings: LockSettings,
) -> LockedEnv:
    """Resolve and pin one environment; ``kept`` stays where it can. Raises LockFailure."""
    spec = rig.env[env.name]
    interpreter = _figures(matrix, env)
    target = target_interpreter(resolution, env, interpreter.get("last_virtualenv"))
    engine = engine_for(target.series, spec.as_of, settings.engine)
    question = Question(
        env=env.name,
        requirements=(f"pip=={env.pip}", *_tools(spec, interpreter)),
        target=target,
        constraints=tuple(env.constraints),
        index=rig.mirrors.pypi or configured_index(),
        kept=kept.tools,
        moving=kept.moving,
    )
    # `as_of` is a day for the packages: what installs and builds them is not cut.
    tools = compile_requirements(engine, question, settings.answers)
    question = replace(
        question,
        requirements=tuple(_wanted(spec, env)),
        # What the tools file installs, the requirements must not ask for at another version.
        constraints=(*env.constraints, *(f"{pin.name}=={pin.version}" for pin in pins(tools))),
        as_of=spec.as_of,
        kept=kept.requirements,
    )
    requirements = compile_requirements(engine, question, settings.answers)
    conda = _conda(rig, resolution, env) if spec.manager == "conda" else CondaLock("", "")
    packages = without(requirements, names_of(tools))
    return LockedEnv(
        name=env.name,
        engine=engine,
        requirements=_HEADER + packages,
        tools=_HEADER + tools,
        interpreter=_interpreter(spec, resolution, env, matrix),
        settings=tuple(_settings(spec, matrix)),
        conda_lock=conda.conda_lock,
        explicit=conda.explicit,
        pylock=pylock([tools, packages], question) if settings.pylock else "",
    )


def _wanted(spec: Environment, env: EnvResolution) -> Iterator[str]:
    """The frameworks with what they forgot; and other packages, unless conda brings them."""
    for pin in env.distributions:
        yield f"{pin.name}=={pin.version}"
    yield from (name for name in env.companions if name not in spec.packages)
    for name, requested in sorted(spec.packages.items()):
        if spec.manager != "conda":
            yield f"{name}{parse_specifier(requested) or ''}"


def _conda(rig: Rig, resolution: Resolution, env: EnvResolution) -> CondaLock:
    """Conda brings the interpreter and the plain packages, pip the frameworks."""
    spec = rig.env[env.name]
    mirror = rig.mirrors.conda
    channels = [c if "://" in c or mirror is None else f"{mirror}/{c}" for c in spec.channels]
    if not channels:
        raise no_solution(env.name, "an environment that conda manages needs `channels`")
    series = ".".join(env.python.split(".")[:2])
    return solve_conda(env.name, conda_specs(series, spec.packages), channels, resolution)


def _figures(matrix: Matrix, env: EnvResolution) -> Mapping[str, str]:
    """What the matrix knows of the environment's interpreter."""
    series = ".".join(env.python.split(".")[:2])
    releases = matrix.product("python").releases
    return next((dict(r.figures) for r in releases if r.figure("series") == series), {})


def _tools(spec: Environment, interpreter: Mapping[str, str]) -> Iterator[str]:
    """Setuptools and wheel: as the spec asks, else the newest known to run on the interpreter."""
    for tool in ("setuptools", "wheel"):
        last = interpreter.get(f"last_{tool}")
        known = f"<={last}" if last is not None else ""
        yield f"{tool}{parse_specifier(spec.packages.get(tool, '*')) or known}"


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
