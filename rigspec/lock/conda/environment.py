"""An environment of the spec as a request to conda's solver.

Conda provides the interpreter, pip and the plain packages; the Python index the frameworks.
The declared requirements of the frameworks constrain conda, so that pip accepts its packages.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from rigspec.lock.artifacts import find_release
from rigspec.lock.conda.channels import list_channels
from rigspec.lock.conda.lock import CondaLock, solve_conda
from rigspec.lock.conda.request import (
    PLATFORMS,
    CondaRequest,
    RequestedSpec,
    list_virtual_packages,
    match_spec,
)
from rigspec.lock.errors import Place, report_no_solution
from rigspec.lock.python.index.package_index import PackageIndex
from rigspec.matrix.model import Matrix
from rigspec.resolution import Build, EnvResolution, Resolution
from rigspec.resolve.problem.channels import list_channel_frameworks
from rigspec.spec.models.environment import Environment
from rigspec.spec.models.rig import Rig
from rigspec.version_specifiers import parse_alternative

__all__ = ["lock_conda"]


def lock_conda(
    rig: Rig,
    resolution: Resolution,
    env: EnvResolution,
    matrix: Matrix,
    index: PackageIndex,
    kept: tuple[tuple[str, str], ...],
) -> CondaLock:
    """Return the conda part of an environment; an empty one where conda does not manage it.

    ``index`` has the metadata of the frameworks; ``kept`` are name and md5 of the packages that
    stay where possible. Raises LockError.
    """
    spec = rig.env[env.name]
    if spec.manager != "conda":
        return CondaLock()
    channels = list_channels(spec.channels, rig.mirrors.conda)
    if not channels:
        why = "an environment that conda manages needs `channels`"
        raise report_no_solution(
            env.name, why, [Place(("env", env.name, "manager"), "requests conda")]
        )
    bounds = (*_matrix_bounds(env), *_framework_bounds(spec, env, index))
    question = CondaRequest(
        lines=(*_lines(spec, env, matrix), *bounds),
        channels=tuple((channel.name, channel.address) for channel in channels),
        platform=PLATFORMS[resolution.arch],
        virtual=list_virtual_packages(resolution, matrix),
        wishes=(f"pip =={env.pip}",),
        kept=kept,
        until=_end_of(spec.as_of),
    )
    return solve_conda(env.name, question, channels)


def _lines(spec: Environment, env: EnvResolution, matrix: Matrix) -> Iterator[RequestedSpec]:
    series = ".".join(env.python.split(".")[:2])
    label = f"requests Python {spec.python or series}"
    yield RequestedSpec(("python",), match_spec("python", series), label)
    if spec.python is not None and spec.python not in ("*", series):
        yield RequestedSpec(("python",), match_spec("python", spec.python), label, bound=True)
    # At any version: the lock's own pip replaces it.
    yield RequestedSpec(("manager",), "pip", "conda's Python needs conda's pip")
    if spec.blas is not None:
        release = find_release(matrix, "blas", spec.blas)
        wanted = release.get("conda") or ""
        yield RequestedSpec(("blas",), wanted, f"requests {spec.blas}")
    from_channels = list_channel_frameworks(spec)
    named = {
        name: request
        for name, request in spec.frameworks.items()
        if name.lower() in from_channels.values()
    }
    builds = {from_channels[b.framework]: b for b in env.builds if b.framework in from_channels}
    for table, lines in (("frameworks", named), ("packages", spec.requests)):
        for name, request in sorted(lines.items()):
            build = builds.get(name.lower())
            specs = _build_specs(build) if build is not None else (_spec(name.lower(), request),)
            for wanted in specs:
                yield RequestedSpec((table, name), wanted, f"requests {wanted}")


def _spec(name: str, request: str) -> str:
    """Return the match spec of a line; a build is a part of the build's name in the channel."""
    alternative = parse_alternative(request)
    wanted = match_spec(name, alternative.versions)
    if alternative.build is None:
        return wanted
    versions = wanted.partition(" ")[2] or "*"
    return f"{name} {versions} *{alternative.build}*"


def _build_specs(build: Build) -> Iterator[str]:
    """Yield the match specs of a build: ``pytorch 2.4.1``, ``pytorch-cuda 12.1.*``."""
    first, *selectors = build.requirement.split()
    yield first.replace("=", " ")
    for selector in selectors:
        name, _, version = selector.partition("=")
        yield f"{name} {version}.*" if version else name


def _matrix_bounds(env: EnvResolution) -> Iterator[RequestedSpec]:
    for text in env.constraints:
        yield from _constrain(Requirement(text), (), "")


def _framework_bounds(
    spec: Environment, env: EnvResolution, index: PackageIndex
) -> Iterator[RequestedSpec]:
    """Yield the requirements of the frameworks' metadata on packages that conda may provide."""
    markers = index.target.markers()
    from_channels = list_channel_frameworks(spec)
    for framework, pin in zip(env.frameworks, env.distributions, strict=True):
        if framework.name in from_channels:
            continue
        name = pin.name.partition("[")[0]
        for offer in index.offers(canonicalize_name(name)):
            if offer.version != Version(pin.version):
                continue
            for needed in index.requirements(offer):
                if needed.marker is None or needed.marker.evaluate(markers):
                    label = f"{name} {pin.version} of the Python index needs {needed}"
                    yield from _constrain(needed, ("frameworks", framework.name), label)


def _constrain(needed: Requirement, path: tuple[str, ...], label: str) -> Iterator[RequestedSpec]:
    if needed.specifier:
        spec = match_spec(canonicalize_name(needed.name), needed.specifier)
        yield RequestedSpec(path, spec, label, bound=True)


def _end_of(day: dt.date | None) -> int | None:
    """Return the last millisecond of a day, in UTC."""
    if day is None:
        return None
    next_day = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.timezone.utc)
    return int(next_day.timestamp() * 1000) - 1
