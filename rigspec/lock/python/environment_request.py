"""The request for one solve of an environment: its frameworks, their companions, its packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rigspec.lock.python.bounds import Bounds
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.services import TMUXP, list_notebook_packages, provides_tmuxp
from rigspec.matrix.model import Matrix
from rigspec.resolution import Build, EnvResolution, Pin, Resolution
from rigspec.resolve.problem.requested_packages import list_requested_frameworks
from rigspec.spec.models.environment import Environment
from rigspec.spec.models.rig import Rig
from rigspec.version_specifiers import get_extras, parse_alternative, parse_specifier

__all__ = [
    "build_environment_request",
    "get_plain_name",
    "list_framework_specifiers",
    "list_plain_requirements",
    "pair_frameworks",
]


def build_environment_request(
    packages: ResolveRequest,
    spec: Environment,
    env: EnvResolution,
    builds: Mapping[str, Build],
    bounds: Bounds,
) -> ResolveRequest:
    """Return the request for the plain packages and the frameworks of an environment.

    ``builds`` are the frameworks whose build is one of another index, by name.
    """
    present = {Requirement(line).name for line in packages.requirements}
    companions = [name for name in env.companions if name not in present]
    lines = [*_list_framework_lines(spec, env, builds), *companions, *packages.requirements]
    # Resolvers choose the newest release of the first one first: the order is that of `packages`,
    # all others first.
    places: dict[str, int] = {canonicalize_name(key): i for i, key in enumerate(spec.packages)}
    lines.sort(key=lambda line: places.get(canonicalize_name(Requirement(line).name), -1))
    constraints = (*packages.constraints, *bounds.lines())
    return replace(packages, requirements=tuple(lines), constraints=constraints)


def list_framework_specifiers(
    spec: Environment, env: EnvResolution, builds: Mapping[str, Build]
) -> dict[str, str]:
    """Return the specifiers that the spec leaves to each framework, by package."""
    requirements = map(Requirement, _list_framework_lines(spec, env, builds))
    return {canonicalize_name(each.name): str(each.specifier) for each in requirements}


def _list_framework_lines(
    spec: Environment, env: EnvResolution, builds: Mapping[str, Build]
) -> Iterator[str]:
    """Yield the requirement of each framework, as free as the spec leaves it."""
    requests = {
        requested.product: requested.request for requested in list_requested_frameworks(spec)
    }
    for framework, pin in pair_frameworks(env):
        build = builds.get(framework.name)
        if build is None:
            request = requests.get(framework.name, "*")
            yield f"{pin.name}{parse_alternative(request).versions or ''}"
            continue
        own = f"{get_plain_name(pin)}=="
        yield build.requirement.replace(own, f"{pin.name}==", 1)
        if not build.requirement.startswith(own):
            yield f"{pin.name}=={pin.version}"


def pair_frameworks(env: EnvResolution) -> Iterator[tuple[Pin, Pin]]:
    """Yield each framework with the distribution that carries it."""
    return zip(env.frameworks, env.distributions, strict=True)


def get_plain_name(pin: Pin) -> str:
    """Return the name of a distribution without its extras."""
    return canonicalize_name(pin.name.partition("[")[0])


def list_plain_requirements(
    rig: Rig, resolution: Resolution, env: EnvResolution, matrix: Matrix
) -> Iterator[str]:
    """Yield the requirements besides frameworks, unless conda provides them."""
    spec = rig.env[env.name]
    served = list_notebook_packages(rig, env.name)
    loader = (TMUXP,) if provides_tmuxp(rig, resolution, matrix, env.name) else ()
    yield from (name for name in (*served, *loader) if name not in spec.packages)
    frameworks = {each.key for each in list_requested_frameworks(spec) if each.table == "packages"}
    for name, requested in sorted(spec.requests.items()):
        if spec.manager != "conda" and name not in frameworks:
            yield f"{name}{get_extras(requested)}{parse_specifier(requested) or ''}"
