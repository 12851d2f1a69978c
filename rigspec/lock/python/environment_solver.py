"""One solve for the frameworks and packages of an environment, with the matrix as constraints.

A resolver chooses everything at once. Its result is checked against the matrix, frameworks that
came as dependencies included; releases that do not fit are excluded, and it runs again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from rigspec.diagnostics.model import Diagnostic
from rigspec.lock.errors import LockError, report_no_solution
from rigspec.lock.python.bounds import Bounds
from rigspec.lock.python.conflicts import PackageConflict
from rigspec.lock.python.environment_request import (
    build_environment_request,
    get_plain_name,
    list_framework_specifiers,
    pair_frameworks,
)
from rigspec.lock.python.found_frameworks import FoundFramework
from rigspec.lock.python.framework_rules import (
    FrameworkRules,
    find_main_package,
    find_owner,
    format_version_range,
)
from rigspec.lock.python.index.build_indexes import list_indexed_builds
from rigspec.lock.python.index.package_index import PackageIndex
from rigspec.lock.python.interpreter import explain_pip
from rigspec.lock.python.remarks import (
    describe_package_rules,
    explain_older_release,
    is_cpu_only,
    report_cpu_dependency,
    suggest_build,
)
from rigspec.lock.python.request import TOOLS, ResolveRequest
from rigspec.lock.python.requirements_file import read_pins
from rigspec.matrix.loader import find_package_owner
from rigspec.matrix.model import Matrix
from rigspec.resolution import EnvResolution, Pin, Resolution
from rigspec.resolve.problem.model import KeyPath
from rigspec.resolve.problem.requested_packages import list_requested_frameworks
from rigspec.resolve.solver.sat import Solution
from rigspec.spec.models.rig import Rig

__all__ = ["EnvironmentSolver", "SolvedEnvironment"]

# Each round excludes at least one release.
_ROUNDS = 24


@dataclass(frozen=True)
class SolvedEnvironment:
    """The pins of an environment, the frameworks among them, and what it resolves to.

    ``tool_bounds`` are what rules of the matrix require of pip, setuptools and wheel.
    """

    requirements: str
    frameworks: tuple[FoundFramework, ...]
    resolution: EnvResolution
    request: ResolveRequest
    warnings: tuple[Diagnostic, ...] = ()
    tool_bounds: tuple[str, ...] = ()


class EnvironmentSolver:
    """Solves one environment of a rig.

    ``request`` has the plain packages; the frameworks are added here. ``compile_request`` runs the
    resolver. ``same_machine`` fixes driver, CUDA and cuDNN as they were resolved.
    """

    def __init__(
        self,
        rig: Rig,
        resolution: Resolution,
        env: EnvResolution,
        matrix: Matrix,
        request: ResolveRequest,
        compile_request: Callable[[ResolveRequest], str],
        *,
        same_machine: bool = False,
    ) -> None:
        self._rig, self._resolution, self._env, self._matrix = rig, resolution, env, matrix
        self._request = request
        self._compile = compile_request
        self._same_machine = same_machine
        self._builds = {
            build.framework: build for build in list_indexed_builds(rig.env[env.name], env)
        }
        self._implied: frozenset[str] = frozenset()
        self._rules = self._load_rules()
        self._bounds = Bounds()
        self._error: LockError | None = None
        # Of dependencies that the matrix doubts, by package: these are not checked further.
        self._warnings: dict[str, Diagnostic] = {}

    def solve(self) -> SolvedEnvironment:
        """Return the newest set that the index and the matrix allow.

        Raises:
            LockError: There is no such set, or an index failed.

        """
        for framework, pin in self._pairs():
            # A build of another index is locked as it was resolved.
            if framework.name not in self._builds:
                self._restrict(get_plain_name(pin), ())
        for _ in range(_ROUNDS):
            text = self._run()
            if text is None:
                continue
            found = self._find_frameworks(text)
            if self._exclude_unknown(found):
                continue
            solution = self._fit(found, text)
            if solution is not None and self._meets_package_rules(text, found, solution):
                resolved = self._resolve(solution)
                if _root_names(resolved) == _root_names(self._env):
                    return SolvedEnvironment(
                        *(text, tuple(found), resolved, self._full_request()),
                        tuple(self._remarks(text, found)),
                        tuple(self._tool_bounds(solution)),
                    )
                self._env = resolved
        why = f"no set that fits the machine in {_ROUNDS} rounds"
        raise self._error or report_no_solution(self._env.name, why)

    # --- the request -----------------------------------------------------------------------

    def _full_request(self) -> ResolveRequest:
        return build_environment_request(
            self._request, self._rig.env[self._env.name], self._env, self._builds, self._bounds
        )

    def _framework_specifiers(self) -> dict[str, str]:
        spec = self._rig.env[self._env.name]
        return list_framework_specifiers(spec, self._env, self._builds)

    def _pairs(self) -> Iterator[tuple[Pin, Pin]]:
        return pair_frameworks(self._env)

    def _run(self) -> str | None:
        """Return the resolver's result; None where a tried combination has none."""
        try:
            return self._compile(self._full_request())
        except LockError as error:
            if error.status != 1:
                raise
            if self._bounds.exclude_package():
                return None
            if not self._bounds.tried:
                if self._error is None and self._try_as_resolved():
                    self._error = self._locate(error)
                    return None
                raise self._error or self._locate(error) from None
            # These releases have no solution with the rules of the matrix on plain packages.
            self._bounds.excluded.add(next(iter(self._bounds.tried.items())))
            self._bounds.tried, self._bounds.rules = {}, []
            self._error = self._error or error
            return None

    def _try_as_resolved(self) -> bool:
        """Bound the packages by the rules for the frameworks as resolved; False without any rule.

        A rule may name a withdrawn release, which resolvers take for an exact version only.
        """
        found = [
            FoundFramework(self._env.name, product.name, get_plain_name(pin), pin.version)
            for product, pin in self._pairs()
            if product.name not in self._builds
        ]
        solution = self._rules.solve(found)
        rules = self._rules.package_rules(self._env.name, solution) if solution else ()
        self._bounds.rules = list(rules)
        self._bounds.tried = {f.package: f.version for f in found} if self._bounds.rules else {}
        return bool(self._bounds.rules)

    def _locate(self, error: LockError) -> LockError:
        """Return a conflict of packages with the lines of the spec, and why others are required."""
        if not isinstance(error, PackageConflict):
            return error
        packages = self._rig.env[self._env.name].packages
        lines: dict[str, KeyPath] = {
            canonicalize_name(key): ("env", self._env.name, "packages", key) for key in packages
        }
        named = {
            get_plain_name(pin): self._path(get_plain_name(pin)) for pin in self._env.distributions
        }
        lines |= {name: path for name, path in named.items() if path is not None}
        pip = explain_pip(self._rig.env[self._env.name], self._env)
        return error.locate_lines(lines, {"pip": pip, **self._bounds.origins()})

    # --- the result ------------------------------------------------------------------------

    def _find_frameworks(self, text: str) -> list[FoundFramework]:
        """Return the frameworks of a result, those of the spec first."""
        locked = {pin.name: str(pin.version) for pin in read_pins(text)}
        for framework, distribution in self._pairs():
            if framework.name in self._builds:
                locked[get_plain_name(distribution)] = framework.version
        named = {get_plain_name(pin) for pin in self._env.distributions}
        products = {framework.name for framework in self._env.frameworks}
        owners = {name: find_package_owner(name) for name in locked}
        implied = {name for name, owner in owners.items() if owner and owner[0] not in products}
        # Of the packages of one release, such as jax and jaxlib, one is enough.
        implied -= {name for name in implied if find_main_package(name) in implied - {name}}
        implied -= self._warnings.keys()
        if implied - self._implied:
            self._implied |= implied
            self._rules = self._load_rules()
        return [
            FoundFramework(
                self._env.name, find_owner(name)[0], name, locked[name], self._path(name)
            )
            for name in (*sorted(named & locked.keys()), *sorted(implied))
        ]

    def _path(self, package: str) -> KeyPath | None:
        """Return the line of the spec for a framework; None for a dependency."""
        product = find_owner(package)[0]
        for requested in list_requested_frameworks(self._rig.env[self._env.name]):
            if requested.product == product:
                return ("env", self._env.name, requested.table, requested.key)
        return None

    def _exclude_unknown(self, found: list[FoundFramework]) -> bool:
        """Remove releases that the matrix lacks; exclude those of frameworks in the spec.

        Return whether any was excluded.
        """
        unknown = [
            framework
            for framework in found
            if framework.product not in self._builds
            and framework.version not in self._rules.releases(framework.package)
        ]
        requested = [framework for framework in unknown if framework.path is not None]
        for framework in unknown:
            found.remove(framework)
        self._bounds.excluded |= {(f.package, f.version) for f in requested}
        return bool(requested)

    def _fit(self, found: list[FoundFramework], text: str) -> Solution | None:
        """Return the machine's solution with these frameworks.

        Without one, the first that does not fit is bounded, and the result is None. A dependency
        that conflicts with software alone is removed instead, with a warning.
        """
        solution = self._rules.solve(found)
        while solution is None:
            number = self._first_unfit(found)
            framework, before = found[number], found[:number]
            conflict = self._rules.conflict(self._env.name, [*before, framework])
            if framework.path is not None or conflict.is_about_hardware:
                self._error = self._error or self._conflict(before, framework, text)
                self._restrict(framework.package, before)
                return None
            self._warnings[framework.package] = conflict.as_warning(framework)
            found.remove(framework)
            self._implied -= {framework.package}
            self._rules = self._load_rules()
            solution = self._rules.solve(found)
        locked = _read_versions(text)
        bound = self._rules.with_packages(self._env.name, locked)
        together = bound.solve(found)
        if together is None:
            self._bound_by_packages(bound, found, locked)
        return together

    def _bound_by_packages(
        self, bound: FrameworkRules, found: Sequence[FoundFramework], locked: Mapping[str, Version]
    ) -> None:
        """Bound the first framework that a package does not fit, or exclude that package."""
        number = next(n for n in range(len(found)) if bound.solve(found[: n + 1]) is None)
        framework, before = found[number], found[:number]
        package = self._rules.find_unfit_package(self._env.name, found[: number + 1], locked)
        unfit = self._rules.list_unfit_releases(self._env.name, package, found[: number + 1])
        pins = {(package, version) for version in (*unfit, str(locked[package]))}
        admitted = bound.compatible_releases(self._env.name, framework.package, before)
        requested = SpecifierSet(self._framework_specifiers().get(framework.package, ""))
        if framework.product in self._builds or not any(v in requested for v in admitted):
            self._bounds.excluded |= pins
            return
        known = self._rules.releases(framework.package)
        self._bounds.bound_for_package(
            framework.package, format_version_range(admitted, known), pins
        )

    def _conflict(
        self, before: Sequence[FoundFramework], framework: FoundFramework, text: str
    ) -> LockError:
        """Return the conflict of a framework, with as few others as it takes."""
        alone = self._load_rules({framework.package} & self._implied)
        if alone.solve([framework]) is None:
            named = [self._with_requirer(framework, text)]
            error = alone.conflict(self._env.name, named)
        else:
            named = [self._with_requirer(each, text) for each in [*before, framework]]
            error = self._rules.conflict(self._env.name, named)
        build = self._rules.find_build_elsewhere(framework, before)
        if framework.path is None and build is not None:
            error.remedy = suggest_build(framework, build)
        return error

    def _first_unfit(self, found: Sequence[FoundFramework]) -> int:
        fits = (self._rules.solve(found[: n + 1]) is not None for n in range(len(found)))
        return next(number for number, fit in enumerate(fits) if not fit)

    def _restrict(self, package: str, others: Sequence[FoundFramework]) -> None:
        admitted = self._rules.compatible_releases(self._env.name, package, others)
        if not admitted:
            why = f"no release of {package} fits the machine"
            raise self._error or report_no_solution(self._env.name, why)
        self._bounds.ranges[package] = format_version_range(admitted, self._rules.releases(package))

    def _meets_package_rules(
        self, text: str, found: Sequence[FoundFramework], solution: Solution
    ) -> bool:
        locked = _read_versions(text)
        rules = self._rules.package_rules(self._env.name, solution)
        broken = [rule for rule in rules if not rule.is_met_by(locked)]
        if broken:
            self._bounds.rules = list(dict.fromkeys([*self._bounds.rules, *broken]))
            self._bounds.tried = {f.package: f.version for f in found}
        return not broken

    def _tool_bounds(self, solution: Solution) -> Iterator[str]:
        rules = self._rules.package_rules(self._env.name, solution)
        return (rule.requirement for rule in rules if _line_name(rule.requirement) in TOOLS)

    def _remarks(self, text: str, found: Sequence[FoundFramework]) -> Iterator[Diagnostic]:
        """Yield the warnings, and a note for each package that the matrix made older."""
        yield from self._warnings.values()
        locked = _read_versions(text)
        bound = self._rules.with_packages(self._env.name, locked)
        requests = self._framework_specifiers()
        for framework in found:
            product = self._matrix.product(framework.product)
            on_gpu = self._resolution.accelerator == "gpu"
            if on_gpu and framework.path is None and is_cpu_only(product, framework, locked):
                yield report_cpu_dependency(framework)
            admitted = self._bounds.ranges.get(framework.package)
            if admitted is not None and framework.product not in self._builds:
                requested = requests.get(framework.package, "")
                note = explain_older_release(bound, framework, requested, admitted)
                yield from [note] if note is not None else []
        yield from describe_package_rules(self._env.name, self._bounds.rules, locked)

    def _with_requirer(self, framework: FoundFramework, text: str) -> FoundFramework:
        """Return a dependency with the line of the spec that leads to it."""
        if framework.path is not None:
            return framework
        request = self._request
        index = PackageIndex.of(request)
        packages = self._rig.env[self._env.name].packages
        keys: dict[str, str] = {canonicalize_name(key): key for key in packages}
        roots = [pin for pin in read_pins(text) if pin.name in keys]
        root = index.requirer_of(framework.package, roots, read_pins(text))
        if root is None:
            return framework
        path = ("env", self._env.name, "packages", keys[root.name])
        return replace(framework, path=path, required_by=f"{root.name} {root.version}")

    # --- the matrix ------------------------------------------------------------------------

    def _resolve(self, solution: Solution) -> EnvResolution:
        resolution = self._rules.build_resolution(solution)
        return next(env for env in resolution.envs if env.name == self._env.name)

    def _load_rules(self, only: Collection[str] | None = None) -> FrameworkRules:
        implied = {self._env.name: self._implied if only is None else only}
        return FrameworkRules(
            self._rig, self._resolution, self._matrix, implied, same_machine=self._same_machine
        )


def _read_versions(text: str) -> dict[str, Version]:
    return {pin.name: pin.version for pin in read_pins(text)}


def _line_name(line: str) -> str:
    return canonicalize_name(Requirement(line).name)


def _root_names(env: EnvResolution) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(pin.name for pin in env.distributions), env.companions
