"""The values of a workspace for pixi: what ``pixi.toml`` and ``pixi.lock`` contain.

Packages of pip are all dependencies of the workspace, because a lock does not contain which of
them needs which, and pixi refuses a lock with packages that nothing needs. The same applies to
conda's packages that no other one needs, such as pip.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from packaging.requirements import Requirement

from rigspec.backend.documents.packages import (
    ChannelPackage,
    PythonPackage,
    list_conda_packages,
    list_python_packages,
)
from rigspec.lock.conda.request import PLATFORMS
from rigspec.lock.model import LockedEnv
from rigspec.plan.model import Omission, Plan
from rigspec.plan.requests import RequestedEnvironment
from rigspec.plan.steps import EnvironmentStep, Step
from rigspec.version_specifiers import normalize_name

__all__ = ["build_values", "list_omissions"]

_PYPI = "https://pypi.org/simple"


@dataclass(frozen=True)
class PixiRequirement:
    """A dependency; ``extras`` and ``index`` are those of a Python package."""

    name: str
    version: str
    extras: tuple[str, ...] = ()
    index: str | None = None


@dataclass(frozen=True)
class PixiWorkspace:
    """One environment as a workspace.

    ``channels`` are as in the spec, ``addresses`` those of the locked packages. ``is_locked``
    is false if the lock does not have the address of every file of pip.
    """

    name: str
    summary: str
    platform: str
    glibc: str | None
    channels: tuple[str, ...]
    addresses: tuple[str, ...]
    index: str
    dependencies: tuple[PixiRequirement, ...]
    python_dependencies: tuple[PixiRequirement, ...]
    built: tuple[str, ...]
    packages: tuple[ChannelPackage, ...]
    python_packages: tuple[PythonPackage, ...]
    is_locked: bool


def build_values(plan: Plan, step: Step | None) -> PixiWorkspace | None:
    """Return the workspace of an environment; None if conda does not manage it."""
    if not isinstance(step, EnvironmentStep):
        return None
    env = next(each for each in plan.locked.envs if each.name == step.name)
    resolution = next(each for each in plan.resolution.envs if each.name == step.name)
    request = next((each for each in plan.requested if each.name == step.name), None)
    packages = list_conda_packages(env)
    if request is None or not packages:
        return None
    series = ".".join(resolution.python.split(".")[:2])
    from_pip = list_python_packages(env)
    addresses = tuple(dict.fromkeys(package.channel for package in packages))
    needed = {name for package in packages for name in package.depends}
    versions = {each.name: "*" for each in packages if each.name not in needed}
    versions |= {"python": f"{series}.*", **dict(request.channel_packages)}
    return PixiWorkspace(
        name=normalize_name(f"{plan.rig}-{env.name}"),
        summary=f"{plan.summary}: environment {env.name}",
        platform=PLATFORMS[plan.resolution.arch],
        glibc=plan.resolution.glibc,
        channels=request.channels or addresses,
        addresses=addresses,
        index=(request.index or _PYPI).rstrip("/"),
        dependencies=tuple(PixiRequirement(*each) for each in sorted(versions.items())),
        python_dependencies=tuple(_list_python_dependencies(from_pip, request)),
        built=tuple(package.name for package in from_pip if package.from_source),
        packages=packages,
        python_packages=from_pip,
        is_locked=_has_addresses(env),
    )


def list_omissions(plan: Plan) -> Iterator[Omission]:
    """Yield the environments that conda does not manage, and the locks that cannot be written."""
    for env in plan.locked.envs:
        if not env.conda_lock:
            reason = "conda does not manage it; use `--target uv`"
            yield Omission(f"Python environment {env.name}", reason)
        elif not _has_addresses(env):
            reason = "the lock has no addresses of pip's files; create it with `--pylock`"
            yield Omission(f"pixi.lock of {env.name}", reason)


def _has_addresses(env: LockedEnv) -> bool:
    return all(package.url for package in list_python_packages(env))


def _list_python_dependencies(
    packages: tuple[PythonPackage, ...], request: RequestedEnvironment
) -> Iterator[PixiRequirement]:
    """Yield all packages of pip, with the versions of the spec; pinned if there is no lock."""
    requested = {
        normalize_name(requirement.name): requirement
        for requirement in map(Requirement, request.requirements)
    }
    indexes = {
        normalize_name(name): index.url.rstrip("/")
        for index in request.indexes
        for name in index.packages
        if not index.is_page
    }
    for package in packages:
        line = requested.get(package.name)
        version = str(line.specifier) if line is not None and package.url else ""
        extras = tuple(sorted(line.extras)) if line is not None else ()
        pin = "*" if package.url else f"=={package.version}"
        yield PixiRequirement(package.name, version or pin, extras, indexes.get(package.name))
