"""The packages that environments of a spec request, and where they come from."""

from __future__ import annotations

from collections.abc import Iterator

from rigspec.frozen import dataclass
from rigspec.lock.model import LockedEnv, LockedMachine
from rigspec.lock.python.index.build_indexes import find_build_index, list_indexed_builds
from rigspec.lock.python.index.used_indexes import list_used_indexes
from rigspec.resolution import EnvResolution, is_page_of_links
from rigspec.resolve.problem.channels import list_channel_frameworks
from rigspec.resolve.problem.requested_packages import (
    list_requested_frameworks,
    list_requested_packages,
)
from rigspec.spec.models.environment import Environment
from rigspec.spec.models.rig import Rig
from rigspec.version_specifiers import get_extras, parse_alternative, parse_specifier

__all__ = ["RequestedEnvironment", "RequestedIndex", "list_requested_environments"]


@dataclass(frozen=True)
class RequestedIndex:
    """An index in addition to the default one, and the packages from it.

    ``build`` is the name of the builds that it has, ``name`` that of an index whose packages the
    spec names; the other is empty. ``is_page`` is true for a page of links to files.
    """

    url: str
    packages: tuple[str, ...]
    build: str = ""
    name: str = ""
    is_page: bool = False


@dataclass(frozen=True)
class RequestedEnvironment:
    """The requests of the spec for an environment.

    ``requirements`` and ``constraints`` are in the form of PEP 508; ``constraints`` are rules of
    the matrix. ``channel_packages`` are names and versions of packages from conda's ``channels``.
    ``index`` is the default index, if the spec sets one.
    """

    name: str
    requirements: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    index: str | None = None
    indexes: tuple[RequestedIndex, ...] = ()
    channels: tuple[str, ...] = ()
    channel_packages: tuple[tuple[str, str], ...] = ()


def list_requested_environments(
    rig: Rig, locked: LockedMachine
) -> tuple[RequestedEnvironment, ...]:
    """Return the requests of every locked environment that the spec has."""
    resolved = {env.name: env for env in locked.resolution.envs if env.name in rig.env}
    found = {env.name: env for env in locked.envs}
    return tuple(_read_environment(rig, env, found.get(name)) for name, env in resolved.items())


def _read_environment(
    rig: Rig, env: EnvResolution, locked: LockedEnv | None
) -> RequestedEnvironment:
    spec = rig.env[env.name]
    is_conda = spec.manager == "conda"
    lines = [*_list_frameworks(spec, env), *env.companions]
    lines += [] if is_conda else list(_list_packages(spec))
    return RequestedEnvironment(
        name=env.name,
        requirements=tuple(sorted(set(lines))),
        constraints=env.constraints,
        index=rig.mirrors.pypi,
        indexes=(
            *_list_build_indexes(rig, env),
            *(_list_named_indexes(rig, locked) if locked is not None else ()),
        ),
        channels=tuple(spec.channels) if is_conda else (),
        channel_packages=tuple(sorted(_list_channel_packages(spec))) if is_conda else (),
    )


def _list_frameworks(spec: Environment, env: EnvResolution) -> Iterator[str]:
    """Yield the distributions of the frameworks, at the versions that the spec requests."""
    from_channels = list_channel_frameworks(spec)
    requests = {line.product: line.request for line in list_requested_frameworks(spec)}
    for framework, distribution in zip(env.frameworks, env.distributions, strict=True):
        if framework.name not in from_channels:
            versions = parse_alternative(requests.get(framework.name, "*")).versions
            yield f"{distribution.name}{versions or ''}"


def _list_packages(spec: Environment) -> Iterator[str]:
    for line in list_requested_packages(spec):
        yield f"{line.name}{get_extras(line.request)}{parse_specifier(line.request) or ''}"


def _list_channel_packages(spec: Environment) -> Iterator[tuple[str, str]]:
    """Yield the packages of channels with their versions in conda's form, `*` for any."""
    # Only environments of conda need it.
    from rigspec.lock.conda.request import match_spec

    requests = {line.product: line.request for line in list_requested_frameworks(spec)}
    named = {package: requests[name] for name, package in list_channel_frameworks(spec).items()}
    for name, request in {**spec.requests, **named}.items():
        versions = parse_alternative(request).versions
        yield name.lower(), match_spec("", versions).strip() or "*"


def _list_build_indexes(rig: Rig, env: EnvResolution) -> Iterator[RequestedIndex]:
    """Yield the indexes of builds, each once."""
    packages: dict[str, list[str]] = {}
    builds: dict[str, str] = {}
    for build in list_indexed_builds(rig.env[env.name], env):
        # Few rigs have such a build, and it takes longer to import than to use.
        from packaging.requirements import Requirement

        url = find_build_index(rig, env, build)
        packages.setdefault(url, []).append(Requirement(build.requirement).name)
        builds.setdefault(url, build.name)
    for url, names in packages.items():
        is_page = is_page_of_links(url)
        yield RequestedIndex(url, tuple(sorted(names)), builds[url], is_page=is_page)


def _list_named_indexes(rig: Rig, env: LockedEnv) -> Iterator[RequestedIndex]:
    """Yield the indexes that locked packages come from because the spec names them."""
    for index, packages in list_used_indexes(rig, env):
        yield RequestedIndex(index.url, packages, name=index.name)
