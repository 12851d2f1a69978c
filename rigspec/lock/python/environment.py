"""A Python environment, locked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from rigspec.lock.conda.environment import lock_conda
from rigspec.lock.conda.lockfile import read_preferred_packages
from rigspec.lock.conda.pip import conda_pins, lock_pip_packages, missing_tools
from rigspec.lock.model import LockedEnv, LockedSettings
from rigspec.lock.python.engine_cache import ResolutionCache
from rigspec.lock.python.engines.select import BUILTIN_ENGINE, compile_requirements, engine_for
from rigspec.lock.python.engines.uv import Unbuildable
from rigspec.lock.python.index.config import configured_index
from rigspec.lock.python.index.package_index import PackageIndex
from rigspec.lock.python.interpreter import bootstrap_tools, lock_interpreter
from rigspec.lock.python.pylock import pylock
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.python.requirements_file import pinned_names, pins, without
from rigspec.lock.python.target_interpreter import target_interpreter
from rigspec.lock.services import TMUXP, notebook_program, provides_tmuxp, serves_notebooks
from rigspec.matrix.model import Matrix
from rigspec.resolution import EnvResolution, Resolution
from rigspec.spec.models.environment import Environment
from rigspec.spec.models.rig import Rig
from rigspec.version_specifiers import parse_specifier

__all__ = ["LockSettings", "PreviousPins", "lock_environment"]

_HEADER = "# Written by rigspec: do not edit. Install with pip --require-hashes --no-deps.\n"


@dataclass(frozen=True)
class LockSettings:
    """How to lock: with which engine (None: the one that knows the interpreter), and whether a
    ``pylock.toml`` is written, too.
    """

    engine: str | None = None
    pylock: bool = False
    answers: ResolutionCache = field(default_factory=ResolutionCache)


@dataclass(frozen=True)
class PreviousPins:
    """What an environment was locked at before; the packages in ``moving`` may leave it."""

    requirements: str = ""
    tools: str = ""
    explicit: str = ""
    moving: tuple[str, ...] = ()


def lock_environment(
    rig: Rig,
    resolution: Resolution,
    env: EnvResolution,
    matrix: Matrix,
    kept: PreviousPins,
    settings: LockSettings,
) -> LockedEnv:
    """Resolve and pin one environment; ``kept`` stays where it can. Raises LockError.

    An sdist that uv cannot build is read without building it, unless uv was requested.
    """
    series = target_interpreter(resolution, env, None).series
    engine = engine_for(series, rig.env[env.name].as_of, settings.engine)
    try:
        return _lock_with(engine, rig, resolution, env, matrix, kept, settings)
    except Unbuildable:
        if settings.engine is not None:
            raise
        return _lock_with(BUILTIN_ENGINE, rig, resolution, env, matrix, kept, settings)


def _lock_with(
    engine: str,
    rig: Rig,
    resolution: Resolution,
    env: EnvResolution,
    matrix: Matrix,
    kept: PreviousPins,
    settings: LockSettings,
) -> LockedEnv:
    spec = rig.env[env.name]
    index = rig.mirrors.pypi or configured_index()
    interpreter = _figures(matrix, env)
    target = target_interpreter(resolution, env, interpreter.get("last_virtualenv"))
    stays = read_preferred_packages(kept.explicit, kept.moving)
    conda = lock_conda(rig, resolution, env, matrix, PackageIndex(target, index), stays)
    target = replace(target, version=conda.python or target.version)
    provided = conda_pins(conda, env.pip)
    compile_request = partial(compile_requirements, engine, answers=settings.answers)
    question = ResolveRequest(
        env=env.name,
        requirements=missing_tools(conda, (f"pip=={env.pip}", *_tools(spec, interpreter, env))),
        target=target,
        constraints=(*env.constraints, *provided),
        index=index,
        kept=kept.tools,
        moving=kept.moving,
    )
    # `as_of` is a day for the packages: what installs and builds them is not cut.
    tools = compile_request(question)
    question = replace(
        question,
        requirements=tuple(_root_requirements(rig, resolution, env, matrix)),
        # What the tools file installs, the requirements must not ask for at another version.
        constraints=(*env.constraints, *(f"{pin.name}=={pin.version}" for pin in pins(tools))),
        as_of=spec.as_of,
        kept=kept.requirements,
    )
    requirements = lock_pip_packages(spec, conda, provided, question, compile_request)
    present = pinned_names(tools) | {pin.partition("==")[0] for pin in provided}
    packages = without(requirements, present)
    return LockedEnv(
        name=env.name,
        engine=engine,
        requirements=_HEADER + packages,
        tools=_HEADER + tools,
        interpreter=lock_interpreter(spec, resolution, env, matrix),
        settings=tuple(_settings(spec, matrix)),
        conda_lock=conda.conda_lock,
        explicit=conda.explicit,
        pylock=pylock([tools, packages], question) if settings.pylock else "",
    )


def _root_requirements(
    rig: Rig, resolution: Resolution, env: EnvResolution, matrix: Matrix
) -> Iterator[str]:
    """Yield the frameworks with their companions, and other packages unless conda provides them."""
    spec = rig.env[env.name]
    for pin in env.distributions:
        yield f"{pin.name}=={pin.version}"
    served = (notebook_program(rig, env.name),) if serves_notebooks(rig, env.name) else ()
    loader = (TMUXP,) if provides_tmuxp(rig, resolution, matrix, env.name) else ()
    yield from (name for name in (*env.companions, *served, *loader) if name not in spec.packages)
    for name, requested in sorted(spec.packages.items()):
        if spec.manager != "conda":
            yield f"{name}{parse_specifier(requested) or ''}"


def _figures(matrix: Matrix, env: EnvResolution) -> Mapping[str, str]:
    """What the matrix knows of the environment's interpreter."""
    series = ".".join(env.python.split(".")[:2])
    releases = matrix.product("python").releases
    return next((dict(r.properties) for r in releases if r.get("series") == series), {})


def _tools(spec: Environment, interpreter: Mapping[str, str], env: EnvResolution) -> Iterator[str]:
    """Setuptools and wheel: as the spec asks, else the newest known to run on the interpreter."""
    yield from bootstrap_tools(spec, env)
    for tool in ("setuptools", "wheel"):
        last = interpreter.get(f"last_{tool}")
        known = f"<={last}" if last is not None else ""
        yield f"{tool}{parse_specifier(spec.packages.get(tool, '*')) or known}"


def _settings(spec: Environment, matrix: Matrix) -> Iterator[LockedSettings]:
    for framework in sorted(spec.config):
        file = matrix.product(framework).settings_file if framework in matrix else None
        if file is not None:
            place = file.place if file.place != "home" else None
            yield LockedSettings(
                framework, file.path, file.format, place, file.variable, file.value
            )
