"""Source archives that the packages of their environment do not build.

They need other versions than the environment has. Each distinct set of build requirements is
locked for itself, and installed in an environment that exists for the build alone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from rigspec.lock.errors import LockError, report_no_solution
from rigspec.lock.python.builds.source_builds import (
    CHOOSES_NUMPY,
    SourceBuild,
    list_build_requirements,
    suggest_pythons,
)
from rigspec.lock.python.index.package_index import PackageIndex
from rigspec.lock.python.request import TOOLS, ResolveRequest
from rigspec.lock.python.requirements_file import read_pins
from rigspec.resolution import Pin

__all__ = ["SeparateBuild", "lock_separate_builds", "split_builds"]


@dataclass(frozen=True)
class SeparateBuild:
    """The names of archives that are built together, and the pins that build them."""

    names: tuple[str, ...]
    tools: str


def split_builds(
    builds: Iterable[SourceBuild], text: str, index: PackageIndex
) -> tuple[list[SourceBuild], list[SourceBuild]]:
    """Return the archives that the packages of a result build, and the others."""
    archives = tuple(builds)
    built = {build.pin.name for build in archives}
    versions = {pin.name: pin.version for pin in read_pins(text)}
    here: list[SourceBuild] = []
    apart: list[SourceBuild] = []
    for build in archives:
        # Requirements that a build computes cannot be locked in either place.
        fits = build.metadata.computes_requirements or all(
            name not in versions
            or (needed.specifier.contains(versions[name], prereleases=True) and name not in built)
            for name, needed in list_build_requirements(build, index)
        )
        (here if fits else apart).append(build)
    return here, apart


def lock_separate_builds(
    request: ResolveRequest,
    builds: Iterable[SourceBuild],
    text: str,
    index: PackageIndex,
    compile_request: Callable[[ResolveRequest], str],
) -> tuple[SeparateBuild, ...]:
    """Return the archives by their build requirements, sorted; ``text`` is the environment's lock.

    Of the request, the target and the constraints on tools are used.

    Raises:
        LockError: A set of build requirements has no solution, or consists of source archives.

    """
    archives = tuple(builds)
    groups: dict[tuple[str, ...], list[SourceBuild]] = {}
    for build in archives:
        groups.setdefault(_list_lines(build, index), []).append(build)
    # A build against the NumPy or PyTorch of the environment is one that runs with it.
    kept = _list_wheels(text, {build.pin.name for build in archives}, index)
    shared = replace(
        request,
        # A day is for the packages, not for the tools that build them.
        as_of=None,
        kept=kept,
        moving=(),
        direct=(),
    )
    pip = f"pip=={request.target.pip}"
    found = []
    for lines, group in groups.items():
        try:
            tools = compile_request(replace(shared, requirements=(pip, *lines)))
        except LockError as error:
            if error.status != 1:
                raise
            raise _report(request.env, group[0], " ".join(error.diagnostic.help)) from None
        for pin in index.source_only(read_pins(tools)):
            why = f"{pin.name} {pin.version} has no wheel for Python {request.target.version}"
            raise _report(request.env, group[0], why)
        names = tuple(sorted(build.pin.name for build in group))
        found.append(SeparateBuild(names, tools))
    return tuple(sorted(found, key=lambda each: each.names))


def _report(env: str, build: SourceBuild, why: str) -> LockError:
    """Return the error of an archive whose build requirements cannot be installed."""
    error = report_no_solution(env, f"{build.label} cannot be built: {why}")
    advice = (*error.diagnostic.help, *suggest_pythons(build, env))
    return LockError(replace(error.diagnostic, help=advice), error.status)


def _list_lines(build: SourceBuild, index: PackageIndex) -> tuple[str, ...]:
    lines = {_format(name, needed) for name, needed in list_build_requirements(build, index)}
    choosers = (each for each in build.metadata.built_with if index.applies(each))
    if any(canonicalize_name(each.name) == CHOOSES_NUMPY for each in choosers):
        lines.add("numpy")
    return tuple(sorted(lines))


def _format(name: str, needed: Requirement) -> str:
    extras = f"[{','.join(sorted(needed.extras))}]" if needed.extras else ""
    return f"{name}{extras}{needed.specifier}"


def _list_wheels(text: str, built: Collection[str], index: PackageIndex) -> tuple[Pin, ...]:
    """Return the packages of an environment that have wheels, except for the tools."""
    sources = {pin.name for pin in index.source_only(read_pins(text))} | {*built}
    pins = (pin for pin in read_pins(text) if pin.name not in sources and pin.name not in TOOLS)
    return tuple(Pin(pin.name, str(pin.version)) for pin in pins)
