"""The values of a project for uv: what ``pyproject.toml`` and ``uv.lock`` contain.

The packages of the lock are all dependencies of the project in ``uv.lock``, because a lock does
not contain which package needs which. ``uv lock --check`` and ``uv sync --locked`` accept it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from packaging.requirements import Requirement

from rigspec.backend.documents.packages import PythonPackage, list_python_packages
from rigspec.lock.model import LockedEnv
from rigspec.plan.model import Omission, Plan
from rigspec.plan.requests import RequestedEnvironment, RequestedIndex
from rigspec.plan.steps import EnvironmentStep, Step
from rigspec.resolution import EnvResolution
from rigspec.version_specifiers import build_of, normalize_name

__all__ = ["build_values", "list_omissions"]

_PYPI = "https://pypi.org/simple"
# uv runs no older interpreter.
_LEAST_PYTHON = (3, 6)


@dataclass(frozen=True)
class UvIndex:
    """An entry of ``[[tool.uv.index]]``.

    ``build`` is the local label of its versions; empty for an index that the spec names packages
    for.
    """

    name: str
    url: str
    build: str
    packages: tuple[str, ...]
    is_page: bool


@dataclass(frozen=True)
class UvRequirement:
    """A requirement as ``uv.lock`` has it; ``index`` or ``url`` is that of an explicit source."""

    name: str
    extras: tuple[str, ...]
    specifier: str
    index: str | None
    url: str | None = None

    @property
    def address(self) -> str | None:
        """Return the address without the folder in the archive."""
        return self.url.partition("#")[0] if self.url is not None else None

    @property
    def subdirectory(self) -> str:
        """Return the folder of the package in the archive, if it is in one."""
        return (self.url or "").partition("#subdirectory=")[2]


@dataclass(frozen=True)
class UvPackage:
    """A package of ``uv.lock`` with its one file; the project itself has no file.

    One that no index has has a ``source`` instead of a registry.
    """

    name: str
    version: str
    registry: str = ""
    url: str = ""
    sha256: str = ""
    source: UvRequirement | None = None

    @property
    def is_wheel(self) -> bool:
        """Return whether the file is a wheel."""
        return self.url.partition("#")[0].endswith(".whl")


@dataclass(frozen=True)
class UvProject:
    """One environment as a project.

    ``python`` is the content of ``.python-version``. ``marker`` is the declared machine in uv's
    own form. ``packages`` is empty if the lock does not have the address of every file;
    ``pins`` then are the locked versions. ``built`` are built with packages of the project, and
    ``separate`` with those that follow the name.
    """

    name: str
    summary: str
    python: str
    series: str
    marker: str
    dependencies: tuple[str, ...]
    requires: tuple[UvRequirement, ...]
    constraints: tuple[UvRequirement, ...]
    index: str | None
    indexes: tuple[UvIndex, ...]
    built: tuple[str, ...]
    build_variables: tuple[tuple[str, str], ...]
    packages: tuple[UvPackage, ...]
    pins: tuple[str, ...]
    direct: tuple[UvRequirement, ...] = ()
    separate: tuple[tuple[str, tuple[str, ...]], ...] = ()


def build_values(plan: Plan, step: Step | None) -> UvProject | None:
    """Return the project of an environment; None if uv cannot create it."""
    if not isinstance(step, EnvironmentStep):
        return None
    env = next(each for each in plan.locked.envs if each.name == step.name)
    resolution = next(each for each in plan.resolution.envs if each.name == step.name)
    request = next((each for each in plan.requested if each.name == step.name), None)
    if request is None or _find_obstacle(env, resolution) is not None:
        return None
    packages = list_python_packages(env)
    indexes = _add_packages(tuple(_name_indexes(request.indexes)), request, packages)
    name = _name_project(plan, env, packages)
    direct = {e.name: UvRequirement(e.name, (), "", None, e.url) for e in packages if e.is_direct}
    files = tuple(
        _build_package(each, request, indexes, direct.get(each.name)) for each in packages
    )
    sources = {package.name for package in env.sources}
    dependencies = tuple(_list_dependencies(request, indexes, packages))
    has_files = all(each.url for each in packages)
    constraints = (
        ()
        if has_files
        else tuple(f"{each.name}=={each.version}" for each in packages if not each.is_direct)
    )
    return UvProject(
        name=name,
        summary=f"{plan.summary}: environment {env.name}",
        python=resolution.python if env.interpreter.kind == "uv" else _series(resolution),
        series=_series(resolution),
        marker=f"platform_machine == '{plan.resolution.arch}' and sys_platform == 'linux'",
        dependencies=tuple(sorted((*dependencies, *direct))),
        requires=tuple(
            sorted(
                (*_read_requirements(dependencies, indexes), *direct.values()),
                key=lambda each: each.name,
            )
        ),
        constraints=tuple(_read_requirements(request.constraints, indexes)),
        index=_strip(request.index),
        indexes=indexes,
        built=tuple(each.name for each in packages if each.name in sources),
        build_variables=tuple(_split(each) for each in env.build_variables),
        packages=tuple(sorted((*files, UvPackage(name, "0")), key=lambda each: each.name))
        if has_files
        else (),
        pins=constraints,
        direct=tuple(direct.values()),
        separate=tuple(sorted(_list_separate_builds(env))),
    )


def _list_dependencies(
    request: RequestedEnvironment,
    indexes: tuple[UvIndex, ...],
    packages: tuple[PythonPackage, ...],
) -> Iterator[str]:
    """Yield the requests of the spec, and packages that come from an index of their own.

    uv applies the source of a package to the dependencies of the project alone, not to theirs.
    """
    yield from request.requirements
    requested = {normalize_name(Requirement(line).name) for line in request.requirements}
    named = {name for index in indexes if not index.build for name in index.packages}
    yield from (each.name for each in packages if each.name in named - requested)


def _list_separate_builds(env: LockedEnv) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each package that is built with others than those of the project, and the pins."""
    for build in env.builds:
        pins = tuple(f"{tool.name}=={tool.version}" for tool in build.tools)
        yield from ((name, pins) for name in build.sources)


def _split(variable: str) -> tuple[str, str]:
    name, _, value = variable.partition("=")
    return name, value


def list_omissions(plan: Plan) -> Iterator[Omission]:
    """Yield the environments that uv cannot create, and the locks that cannot be written."""
    for env in plan.locked.envs:
        resolution = next(each for each in plan.resolution.envs if each.name == env.name)
        obstacle = _find_obstacle(env, resolution)
        if obstacle is not None:
            yield Omission(f"Python environment {env.name}", obstacle)
        elif not all(package.url for package in list_python_packages(env)):
            reason = "the lock has no addresses of files; create it with `rigspec lock --pylock`"
            yield Omission(f"uv.lock of {env.name}", reason)


def _find_obstacle(env: LockedEnv, resolution: EnvResolution) -> str | None:
    """Return why uv cannot create an environment."""
    if env.conda_lock:
        return "conda manages it; use `--target pixi` or `--target conda`"
    if tuple(int(part) for part in _series(resolution).split(".")) < _LEAST_PYTHON:
        return f"uv does not support Python {_series(resolution)}"
    return None


def _build_package(
    package: PythonPackage,
    request: RequestedEnvironment,
    indexes: tuple[UvIndex, ...],
    source: UvRequirement | None,
) -> UvPackage:
    registry = _find_registry(package, request, indexes)
    url = package.url or ""
    return UvPackage(package.name, package.version, registry, url, package.sha256[0], source)


def _find_registry(
    package: PythonPackage, request: RequestedEnvironment, indexes: tuple[UvIndex, ...]
) -> str:
    """Return the index of a package: that of its build, or the one on the server of its file."""
    for index in sorted(indexes, key=lambda each: bool(each.build)):
        if package.name in index.packages or _has_build(package, index):
            return index.url
    default = _strip(request.index) or _PYPI
    server = urlsplit(package.url or "").netloc
    if server != urlsplit(default).netloc:
        for index in indexes:
            if index.build and urlsplit(index.url).netloc == server:
                return index.url
    return default


def _name_indexes(indexes: tuple[RequestedIndex, ...]) -> Iterator[UvIndex]:
    """Yield the indexes with names such as ``pytorch-cu118``, or that of the spec."""
    names: set[str] = set()
    for index in indexes:
        labels = (urlsplit(index.url).hostname or "").split(".")
        is_named = len(labels) > 1 and not labels[-1].isdigit()
        owner = labels[-2] if is_named else index.packages[0]
        name = normalize_name(index.name or f"{owner}-{index.build}")
        while name in names:
            name += "-2"
        names.add(name)
        url = _strip(index.url) or index.url
        names_of = tuple(map(normalize_name, index.packages))
        yield UvIndex(name, url, index.build, names_of, index.is_page)


def _add_packages(
    indexes: tuple[UvIndex, ...],
    request: RequestedEnvironment,
    packages: tuple[PythonPackage, ...],
) -> tuple[UvIndex, ...]:
    """Return the indexes with the requested packages that are locked with their builds."""
    direct = {normalize_name(Requirement(line).name) for line in request.requirements}
    named = {name for index in indexes if not index.build for name in index.packages}
    return tuple(
        replace(
            index,
            packages=tuple(
                sorted(
                    {each.name for each in packages if _has_build(each, index)} & direct - named
                    | set(index.packages)
                )
            ),
        )
        if index.build
        else index
        for index in indexes
    )


def _has_build(package: PythonPackage, index: UvIndex) -> bool:
    return build_of(package.version) == index.build


def _read_requirements(
    lines: tuple[str, ...], indexes: tuple[UvIndex, ...]
) -> Iterator[UvRequirement]:
    for line in sorted(lines, key=lambda line: normalize_name(Requirement(line).name)):
        requirement = Requirement(line)
        name = normalize_name(requirement.name)
        index = next((each.url for each in indexes if name in each.packages), None)
        extras = tuple(sorted(map(normalize_name, requirement.extras)))
        yield UvRequirement(name, extras, str(requirement.specifier), index)


def _name_project(plan: Plan, env: LockedEnv, packages: tuple[PythonPackage, ...]) -> str:
    """Return a name that no package of the environment has."""
    name = normalize_name(f"{plan.rig}-{env.name}").strip("-")
    return f"{name}-rig" if name in {package.name for package in packages} else name


def _series(resolution: EnvResolution) -> str:
    return ".".join(resolution.python.split(".")[:2])


def _strip(url: str | None) -> str | None:
    return url.rstrip("/") if url is not None else None
