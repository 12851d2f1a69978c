"""A Python environment, locked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Thread

from packaging.utils import canonicalize_name

from rigspec.diagnostics.model import Diagnostic
from rigspec.lock.conda.environment import lock_conda
from rigspec.lock.conda.pip import list_conda_pins, lock_pip_packages
from rigspec.lock.errors import EngineLimit, LockError
from rigspec.lock.model import LockedBuild, LockedEnv, LockedPythonPackage, LockedSettings, Unpinned
from rigspec.lock.python.builds.build_variables import list_build_variables
from rigspec.lock.python.builds.source_builds import (
    SourceBuild,
    find_source_builds,
    find_tool_bounds,
    list_open_crates,
    note_unknown_libraries,
    require_build_needs,
)
from rigspec.lock.python.builds.tools import SolvedTools, ToolsSolver
from rigspec.lock.python.direct_packages import (
    DirectPackage,
    find_version_variables,
)
from rigspec.lock.python.engine_cache import ResolutionCache
from rigspec.lock.python.engines.select import BUILTIN_ENGINE, choose_engines, compile_requirements
from rigspec.lock.python.environment_request import list_plain_requirements
from rigspec.lock.python.environment_solver import EnvironmentSolver, SolvedEnvironment
from rigspec.lock.python.found_frameworks import FoundFramework
from rigspec.lock.python.index.build_indexes import list_build_indexes
from rigspec.lock.python.index.config import read_index_configuration
from rigspec.lock.python.index.package_index import PackageIndex
from rigspec.lock.python.index.pages import IndexPages
from rigspec.lock.python.index.release_cache import ReleaseCache
from rigspec.lock.python.interpreter import (
    find_interpreter_figures,
    lock_interpreter,
)
from rigspec.lock.python.pylock import render_pylock
from rigspec.lock.python.remarks import suggest_as_of
from rigspec.lock.python.request import TOOLS, ResolveRequest
from rigspec.lock.python.requirements_file import (
    HashedPin,
    read_pin_names,
    read_pins,
    remove_pins,
)
from rigspec.lock.python.target_interpreter import describe_target_interpreter
from rigspec.matrix.model import Matrix
from rigspec.resolution import EnvResolution, Pin, Resolution
from rigspec.resolve.problem.channels import list_channel_frameworks
from rigspec.resolve.problem.requested_packages import list_requested_frameworks
from rigspec.spec.models.environment import Environment
from rigspec.spec.models.rig import Rig
from rigspec.spec.package_sources import list_named_indexes
from rigspec.version_specifiers import (
    parse_alternative,
    strip_local_version,
)

__all__ = ["EnvironmentLock", "LockSettings", "PreviousPins", "lock_with_python"]


@dataclass(frozen=True)
class LockSettings:
    """Settings of a lock: the engine, None for one per environment, and PEP 751 output."""

    engine: str | None = None
    pylock: bool = False
    answers: ResolutionCache = field(default_factory=ResolutionCache)
    releases: ReleaseCache = field(default_factory=ReleaseCache)


@dataclass(frozen=True)
class PreviousPins:
    """The earlier lock of an environment; the packages in ``moving`` may change.

    ``builds`` are name and md5 of conda's packages that stay where possible.
    """

    packages: tuple[Pin, ...] = ()
    builds: tuple[tuple[str, str], ...] = ()
    moving: tuple[str, ...] = ()
    engine: str | None = None


@dataclass(frozen=True)
class EnvironmentLock:
    """A locked environment, the frameworks in it, its resolution, and the archives that pip builds.

    ``unpinned`` are the parts of these builds that the lock does not pin.
    """

    env: LockedEnv
    frameworks: tuple[FoundFramework, ...]
    resolution: EnvResolution
    warnings: tuple[Diagnostic, ...] = ()
    builds: tuple[SourceBuild, ...] = ()
    unpinned: tuple[Unpinned, ...] = ()


def lock_with_python(
    rig: Rig,
    resolution: Resolution,
    env: EnvResolution,
    matrix: Matrix,
    previous: PreviousPins,
    settings: LockSettings,
    direct: tuple[DirectPackage, ...],
    same_machine: bool,
) -> EnvironmentLock:
    """Lock an environment with its Python, by the first engine that can read its packages.

    Versions in ``previous`` are preferred. ``same_machine`` fixes driver, CUDA and cuDNN as they
    were resolved.

    Raises:
        LockError: There is no solution, or an index failed.
    """
    series = describe_target_interpreter(resolution, env, None).series
    as_of = rig.env[env.name].as_of
    engines = choose_engines(series, as_of, settings.engine, previous.engine)
    for engine in engines:
        locker = _Locker(rig, resolution, env, matrix, previous, settings, direct, engine)
        try:
            return locker.lock(same_machine=same_machine)
        except EngineLimit:
            if engine == engines[-1]:
                raise
    raise AssertionError("there is always an engine")


class _Locker:
    """Locks one environment with one engine."""

    def __init__(
        self,
        rig: Rig,
        resolution: Resolution,
        env: EnvResolution,
        matrix: Matrix,
        previous: PreviousPins,
        settings: LockSettings,
        direct: tuple[DirectPackage, ...],
        engine: str,
    ) -> None:
        self._rig, self._resolution, self._env, self._matrix = rig, resolution, env, matrix
        self._spec = rig.env[env.name]
        self._previous, self._settings, self._engine = previous, settings, engine
        self._direct = direct
        self._compile = partial(compile_requirements, engine, cache=settings.answers)
        self._figures = find_interpreter_figures(matrix, env)
        url = rig.mirrors.pypi or read_index_configuration()
        target = describe_target_interpreter(resolution, env, self._figures.get("last_virtualenv"))
        pages = IndexPages(cache=settings.releases)
        extra, named = list_build_indexes(rig, env), list_named_indexes(rig)
        index = PackageIndex(target, url, pages=pages, extra=extra, named=named)
        self._conda = lock_conda(rig, resolution, env, matrix, index, previous.builds)
        self._provided = list_conda_pins(self._conda, env.pip)
        self._target = replace(target, version=self._conda.python or target.version)
        self._index = PackageIndex(self._target, url, pages=pages, extra=extra, named=named)
        # Read while the resolver runs: the tools are chosen right after it.
        Thread(target=self._index.load, args=((*TOOLS, "packaging"),), daemon=True).start()
        self._request = ResolveRequest(
            env=env.name,
            requirements=tuple(list_plain_requirements(rig, resolution, env, matrix)),
            target=self._target,
            constraints=(f"pip=={env.pip}",),
            index=url,
            as_of=self._spec.as_of,
            kept=previous.packages,
            moving=previous.moving,
            extra_indexes=extra,
            named_indexes=named,
            direct=direct,
            pages=pages,
        )

    def lock(self, *, same_machine: bool) -> EnvironmentLock:
        """Return the environment with every pin."""
        solved, builds = self._solve_with_builds(same_machine=same_machine)
        resolved = solved.resolution
        needs = require_build_needs(
            *(self._rig, self._resolution, self._matrix, resolved, builds),
            partial(self._find_requirer, solved.requirements),
        )
        tools = self._solve_tools(solved, builds)
        present = read_pin_names(tools.requirements) | {
            pin.partition("==")[0] for pin in self._provided
        }
        text = remove_pins(solved.requirements, present)
        packages = _lock_packages(text, self._index, frozenset(b.pin.name for b in builds))
        direct = (each.locked for each in self._direct)
        packages = tuple(sorted((*packages, *direct), key=lambda package: package.name))
        locked_tools = _lock_packages(tools.requirements, self._index)
        locked = LockedEnv(
            name=self._env.name,
            engine=self._engine,
            packages=packages,
            tools=locked_tools,
            interpreter=lock_interpreter(self._spec, self._resolution, self._env, self._matrix),
            settings=tuple(_settings(self._spec, self._matrix)),
            conda_lock=self._conda.conda_lock,
            conda=self._conda.conda,
            pylock=render_pylock((*locked_tools, *packages), solved.request)
            if self._settings.pylock
            else "",
            build_needs=needs,
            build_variables=tuple(
                sorted((*list_build_variables(packages), *find_version_variables(self._direct)))
            ),
            builds=tuple(
                LockedBuild(each.names, _lock_packages(each.tools, self._index))
                for each in tools.separate
            ),
        )
        warnings = (
            *solved.warnings,
            *note_unknown_libraries(self._env.name, builds),
            *self._suggest_as_of(packages),
        )
        return EnvironmentLock(
            *(locked, solved.frameworks, resolved, warnings, builds),
            tuple(list_open_crates(builds)),
        )

    def _find_requirer(self, text: str, name: str) -> HashedPin | None:
        """Return the package of the spec that requires another one; None if an index fails."""
        named = {canonicalize_name(key) for key in self._spec.packages}
        pins = read_pins(text)
        with suppress(LockError):
            roots = [pin for pin in pins if pin.name in named]
            return self._index.requirer_of(name, roots, pins)
        return None

    def _suggest_as_of(self, packages: Sequence[LockedPythonPackage]) -> Iterator[Diagnostic]:
        """Yield a note if every line of the environment is exact and dependencies are much newer.

        A line without a version takes the packages of today on purpose.
        """
        frameworks = list_requested_frameworks(self._spec)
        named = {canonicalize_name(key): line for key, line in self._spec.requests.items()}
        requests = {*named.values(), *(each.request for each in frameworks)}
        if self._spec.as_of is not None or not all(map(_is_exact, requests)):
            return
        versions = {package.name: package.version for package in packages}
        own = {*named, *(pin.name.partition("[")[0] for pin in self._env.distributions)}
        indexed = [HashedPin.of(package) for package in packages if package.url is None]
        days = self._index.upload_days(indexed)
        yield from suggest_as_of(self._env.name, own, days, versions)

    def _solve_with_builds(
        self, *, same_machine: bool
    ) -> tuple[SolvedEnvironment, tuple[SourceBuild, ...]]:
        """Return the environment with tools that build its source archives, and these."""
        solved = self._solve(same_machine=same_machine)
        builds = self._find_builds(solved.requirements)
        bounds = find_tool_bounds(builds, solved.requirements, self._index)
        if not bounds:
            return solved, builds
        request = self._request
        self._request = replace(request, constraints=(*request.constraints, *bounds))
        try:
            bounded = self._solve(same_machine=same_machine)
        except LockError as error:
            # No set has tools that build everything: some archives are built with others.
            if error.status != 1 or self._spec.manager == "conda":
                raise
            self._request = request
            return solved, builds
        return bounded, self._find_builds(bounded.requirements)

    def _solve_tools(
        self, solved: SolvedEnvironment, builds: tuple[SourceBuild, ...]
    ) -> SolvedTools:
        # Few packages, whose metadata is small: starting a resolver takes longer.
        compile_request = partial(
            compile_requirements, BUILTIN_ENGINE, cache=self._settings.answers
        )
        solver = ToolsSolver(
            *(self._spec, self._env, self._figures, self._conda, self._provided),
            *(self._request, self._index, compile_request),
        )
        return solver.solve(solved.requirements, builds, solved.tool_bounds)

    def _find_builds(self, text: str) -> tuple[SourceBuild, ...]:
        """Return the packages of a result that pip builds, and those of repositories."""
        own = (
            SourceBuild(each.pin, each.metadata, has_wheels=False)
            for each in self._direct
            if each.metadata is not None
        )
        return (*find_source_builds(self._index, text), *own)

    def _solve(self, *, same_machine: bool) -> SolvedEnvironment:
        if self._spec.manager == "conda":
            return self._solve_beyond_conda()
        return EnvironmentSolver(
            self._rig,
            self._resolution,
            self._env,
            self._matrix,
            self._request,
            self._compile,
            same_machine=same_machine,
        ).solve()

    def _solve_beyond_conda(self) -> SolvedEnvironment:
        """Return the frameworks as they were resolved: conda's packages depend on them."""
        from_channels = list_channel_frameworks(self._spec)
        pairs = tuple(zip(self._env.frameworks, self._env.distributions, strict=True))
        wheels = [(product, pin) for product, pin in pairs if product.name not in from_channels]
        frameworks = (f"{pin.name}=={pin.version}" for _, pin in wheels)
        request = replace(
            self._request,
            requirements=(*frameworks, *self._env.companions, *self._request.requirements),
            constraints=(*self._request.constraints, *self._env.constraints),
        )
        text = lock_pip_packages(self._spec, self._conda, self._provided, request, self._compile)
        found = [
            FoundFramework(self._env.name, product.name, pin.name.partition("[")[0], pin.version)
            for product, pin in wheels
        ]
        found += self._find_in_channels(from_channels)
        return SolvedEnvironment(text, tuple(found), self._env, request)

    def _find_in_channels(self, frameworks: Mapping[str, str]) -> Iterator[FoundFramework]:
        """Yield the frameworks that conda chose, at the versions that the matrix lists."""
        versions = dict(self._conda.distributions)
        for product, package in frameworks.items():
            version = versions.get(package)
            releases = self._matrix.product(product).releases
            if any(strip_local_version(release.version) == version for release in releases):
                yield FoundFramework(self._env.name, product, package, str(version))


def _is_exact(request: str) -> bool:
    """Return whether a request names a release or a series."""
    versions = parse_alternative(request).versions or ()
    return any(specifier.operator == "==" for specifier in versions)


def _lock_packages(
    requirements: str, index: PackageIndex, sources: frozenset[str] = frozenset()
) -> tuple[LockedPythonPackage, ...]:
    """Return each pin with the checksum of the file that the target's pip takes, sorted by name.

    ``sources`` are those that pip builds. Raises LockError.
    """
    packages = []
    for pin in sorted(read_pins(requirements), key=lambda pin: pin.name):
        file = index.file_of(pin)
        checksums = tuple(sorted(pin.sha256)) if file is None else (file.sha256,)
        packages.append(
            LockedPythonPackage(pin.name, str(pin.version), checksums, pin.name in sources)
        )
    return tuple(packages)


def _settings(spec: Environment, matrix: Matrix) -> Iterator[LockedSettings]:
    for framework in sorted(spec.config):
        file = matrix.product(framework).settings_file if framework in matrix else None
        if file is not None:
            place = file.place if file.place != "home" else None
            yield LockedSettings(
                framework, file.path, file.format, place, file.variable, file.value
            )
