"""Lock an environment with its Python, or with another one where the spec leaves it free."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from packaging.utils import canonicalize_name
from packaging.version import Version

from rigspec.diagnostics.model import Diagnostic, Severity
from rigspec.lock.errors import LockError
from rigspec.lock.python.builds.source_builds import SourceBuild
from rigspec.lock.python.direct_packages import lock_direct_packages
from rigspec.lock.python.environment import (
    EnvironmentLock,
    LockSettings,
    PreviousPins,
    lock_with_python,
)
from rigspec.lock.python.framework_rules import list_other_pythons
from rigspec.matrix.model import Matrix
from rigspec.resolution import EnvResolution, Resolution
from rigspec.spec.models.environment import Environment
from rigspec.spec.models.rig import Rig

__all__ = ["lock_environment"]


def lock_environment(
    rig: Rig,
    resolution: Resolution,
    env: EnvResolution,
    matrix: Matrix,
    previous: PreviousPins,
    settings: LockSettings,
    *,
    same_machine: bool = False,
) -> EnvironmentLock:
    """Solve and pin one environment; versions in ``previous`` are preferred.

    If the spec leaves the Python free, others are tried where the resolved one has no solution, or
    has to build a release that has wheels for others: such a release is often older than the
    Python, and does not compile with it. ``same_machine`` fixes driver, CUDA and cuDNN as they were
    resolved.

    Raises:
        LockError: There is no solution, or an index failed.
    """
    spec = rig.env[env.name]
    direct = lock_direct_packages(env.name, spec)

    def lock(machine: Resolution, here: EnvResolution) -> EnvironmentLock:
        return lock_with_python(
            *(rig, machine, here, matrix, previous, settings, direct, same_machine)
        )

    def lock_others(pythons: Collection[str] | None) -> Iterator[EnvironmentLock]:
        for other in list_other_pythons(rig, resolution, matrix, env.name):
            here = next(each for each in other.envs if each.name == env.name)
            if pythons is not None and _get_series(here) not in pythons:
                continue
            try:
                yield lock(other, here)
            except LockError:
                # Also if the index of builds for it fails: that Python is not requested.
                continue

    try:
        first = lock(resolution, env)
    except LockError as error:
        if error.status != 1 or error.on_every_python or not spec.has_free_python:
            raise
        found = next(lock_others(None), None)
        if found is None:
            raise
        first = found
    if not spec.has_free_python or not _list_late_builds(first):
        return first
    chosen = first
    for other in lock_others(_list_wheel_pythons(first, matrix)):
        if _is_better(spec, other, chosen):
            chosen = other
        if not _list_late_builds(chosen):
            break
    if chosen is first:
        return first
    return replace(chosen, warnings=(*chosen.warnings, _explain_python(first, chosen)))


def _get_series(env: EnvResolution) -> str:
    return ".".join(env.python.split(".")[:2])


def _list_late_builds(locked: EnvironmentLock) -> tuple[SourceBuild, ...]:
    """Return the releases that this Python builds, and that have wheels for others."""
    return tuple(build for build in locked.builds if build.pythons)


def _list_wheel_pythons(locked: EnvironmentLock, matrix: Matrix) -> frozenset[str]:
    """Return the newest Python with wheels of each release that this one builds.

    One without updates is not chosen for its wheels.
    """
    builds = _list_late_builds(locked)
    ended = {
        release.get("series")
        for release in matrix.product("python").releases
        for each in release.availability
        if each.day is not None and each.day <= matrix.as_of
    }
    return frozenset(build.pythons[-1] for build in builds if build.pythons[-1] not in ended)


def _is_better(spec: Environment, other: EnvironmentLock, first: EnvironmentLock) -> bool:
    """Return whether another Python has more wheels, and no requested package is older for it."""
    if len(_list_late_builds(other)) >= len(_list_late_builds(first)):
        return False
    requested: set[str] = {canonicalize_name(name) for name in (*spec.packages, *spec.frameworks)}
    requested |= {framework.package for framework in first.frameworks if framework.path}
    before = {p.name: Version(p.version) for p in first.env.packages if p.name in requested}
    after = {p.name: Version(p.version) for p in other.env.packages}
    return all(name in after and after[name] >= version for name, version in before.items())


def _explain_python(first: EnvironmentLock, chosen: EnvironmentLock) -> Diagnostic:
    series = _get_series(first.resolution)
    chosen_series = _get_series(chosen.resolution)
    late = {build.pin.name for build in _list_late_builds(chosen)}
    builds = [build for build in _list_late_builds(first) if build.pin.name not in late]
    names = ", ".join(build.label for build in builds)
    return Diagnostic(
        code="RS507",
        severity=Severity.NOTE,
        message=f"`{first.env.name}` gets Python {chosen_series} and not {series}, for which there "
        f"is no wheel of {names}",
        help=(f'set `python = "{series}"` to build from source',),
    )
