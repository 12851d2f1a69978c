"""The frameworks that the matrix admits in the environments of one machine.

The spec names some frameworks; others come as dependencies of packages (`vllm` requires `torch`).
All of them have to fit the machine.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace

from packaging.requirements import Requirement as PackageRequirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from rigspec.lock.python.found_frameworks import FoundFramework, FrameworkConflict
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.loader import find_package_owner
from rigspec.matrix.model import Matrix, Release
from rigspec.resolution import EnvResolution, Resolution, is_page_of_links
from rigspec.resolve.build_resolution import build_resolution
from rigspec.resolve.conflicts.unsat_core import find_conflicts
from rigspec.resolve.problem.builder import ProblemBuilder
from rigspec.resolve.problem.channels import list_channel_frameworks
from rigspec.resolve.problem.dependencies import add_packages, is_on_default_index
from rigspec.resolve.problem.model import Requirement
from rigspec.resolve.problem.requested_packages import list_framework_products
from rigspec.resolve.problem.requirements import get_env_key
from rigspec.resolve.solver.cnf import encode
from rigspec.resolve.solver.cuda_source import (
    admit_cuda_from_wheels,
    build_problem,
    drop_unneeded_toolkit,
    find_newest_by_source,
    has_cuda_in_wheels,
)
from rigspec.resolve.solver.preferences import list_locked_preferences
from rigspec.resolve.solver.propagation import propagate
from rigspec.resolve.solver.sat import Solution, SolverSession
from rigspec.resolve.solver.search import find_newest
from rigspec.spec.models.rig import Rig
from rigspec.version_specifiers import parse_alternative, strip_local_version

__all__ = [
    "FrameworkRules",
    "PackageRule",
    "find_main_package",
    "find_owner",
    "format_version_range",
    "join_environments",
    "list_other_pythons",
]

_MACHINE = frozenset({"driver", "cuda", "cudnn"})


@dataclass(frozen=True)
class PackageRule:
    """A requirement of the matrix on a plain package, and its reason."""

    requirement: str
    statement: str
    code: str = "RS217"

    def is_met_by(self, locked: Mapping[str, Version]) -> bool:
        """Return whether the pins, if they have the package, have a version that it admits."""
        requirement = PackageRequirement(self.requirement)
        version = locked.get(requirement.name)
        return version is None or requirement.specifier.contains(version, prereleases=True)


class FrameworkRules:
    """The rules of the matrix for one machine, with ``implied`` packages that the spec lacks."""

    def __init__(
        self,
        rig: Rig,
        resolution: Resolution,
        matrix: Matrix,
        implied: Mapping[str, Collection[str]] | None = None,
        *,
        same_machine: bool = False,
    ) -> None:
        """``implied`` lists packages by environment. ``same_machine`` fixes driver, CUDA and cuDNN
        as they were resolved.
        """
        self._rig, self._resolution, self._matrix = rig, resolution, matrix
        added = {env: set(map(find_main_package, names)) for env, names in (implied or {}).items()}
        builder = ProblemBuilder(add_packages(rig, added), resolution.machine, matrix)
        self._builder = builder
        chosen = list_locked_preferences(builder, resolution, ())
        own = {get_env_key(env.name, pin.name) for env in resolution.envs for pin in env.frameworks}
        # The resolver chooses the frameworks again: the newest of before is not preferred.
        self._preferred = {key: each for key, each in chosen.items() if key not in own}
        fixed = {"os", *(get_env_key(name, "python") for name in rig.env)}
        fixed |= _MACHINE if same_machine else set()
        self._has_wheels = has_cuda_in_wheels(rig, resolution.machine, matrix)
        possible = _possible(builder)
        self._requirements = (
            *(admit_cuda_from_wheels(possible) if self._has_wheels else possible),
            *(
                Requirement(key, (each.exactly,), None, "", editable=False)
                for key, each in self._preferred.items()
                if key in fixed
            ),
        )

    def with_packages(self, env: str, locked: Mapping[str, Version]) -> FrameworkRules:
        """Return the rules for the packages of an environment at these versions.

        Versions that the matrix does not list are left out.
        """
        bound = copy(self)
        bound._requirements = (*self._requirements, *self._pin_packages(env, locked))
        return bound

    def find_unfit_package(
        self, env: str, found: Sequence[FoundFramework], locked: Mapping[str, Version]
    ) -> str:
        """Return the first package that, with those before it, does not fit the frameworks.

        The locked packages must not fit them together.
        """
        known = [
            n for n in locked if get_env_key(env, PACKAGE_PREFIX + n) in self._builder.universes
        ]
        return next(
            name
            for number, name in enumerate(known, start=1)
            if self.with_packages(env, {n: locked[n] for n in known[:number]}).solve(found) is None
        )

    def list_unfit_releases(
        self, env: str, package: str, found: Sequence[FoundFramework]
    ) -> tuple[str, ...]:
        """Return releases of a package that do not fit the frameworks, as far as seen at once."""
        left = propagate(self._builder, (*self._requirements, *map(self._as_requirement, found)))
        key = get_env_key(env, PACKAGE_PREFIX + package)
        fitting = set(left.remaining(key)) if left is not None else set()
        return tuple(
            candidate.version
            for candidate in self._builder.universes[key].candidates
            if candidate not in fitting and "+" not in candidate.version
        )

    def _pin_packages(self, env: str, locked: Mapping[str, Version]) -> Iterator[Requirement]:
        for name, version in locked.items():
            key, text = get_env_key(env, PACKAGE_PREFIX + name), f"=={version}"
            universe = self._builder.universes.get(key)
            if universe is not None and universe.mask((text,)):
                label = f"resolved to {name} {version}"
                yield Requirement(key, (text,), None, label, editable=False)

    def releases(self, package: str) -> tuple[str, ...]:
        """Return the releases of a framework's package in the matrix, without their builds."""
        product, family = find_owner(package)
        rows = self._matrix.product(product).releases
        versions = (
            strip_local_version(row.version) for row in rows if (row.family or "") == family
        )
        return tuple(dict.fromkeys(versions))

    def compatible_releases(
        self, env: str, package: str, others: Sequence[FoundFramework] = ()
    ) -> tuple[str, ...]:
        """Return the releases of a package that fit the machine and ``others``, newest first."""
        product, family = find_owner(package)
        found = propagate(self._builder, (*self._requirements, *map(self._as_requirement, others)))
        if found is None:
            return ()
        wanted = [
            c for c in found.remaining(get_env_key(env, product)) if (c.family or "") == family
        ]
        # A build of another index is not what the default one installs.
        rows = self._matrix.product(product).releases
        elsewhere = {row.version for row in rows if not self._is_indexed(row)}
        # Propagation leaves too many where rules join several open choices.
        return tuple(
            strip_local_version(candidate.version)
            for candidate in wanted
            if candidate.version not in elsewhere
            and self.solve([*others, FoundFramework(env, product, package, candidate.version)])
        )

    def solve(
        self, found: Sequence[FoundFramework], preferred: Solution | None = None
    ) -> Solution | None:
        """Return a solution of the machine with these frameworks; None where there is none."""
        requirements = (*self._requirements, *map(self._as_requirement, found))
        wanted = {**self._preferred, **(preferred or {})}
        if self._has_wheels:
            return find_newest_by_source(self._rig, self._builder, requirements, wanted)
        return find_newest(self._builder, requirements, wanted)

    def _as_requirement(self, found: FoundFramework) -> Requirement:
        _, family = find_owner(found.package)
        label = f"requests {found.package} {found.version}"
        if found.required_by is not None:
            label = f"{found.required_by} requires {found.package}, resolved to {found.version}"
        key = get_env_key(found.env, found.product)
        versions = tuple(f"{family} =={version}".strip() for version in self._indexed_builds(found))
        return Requirement(key, versions, found.path, label, editable=False)

    def _indexed_builds(self, found: FoundFramework) -> tuple[str, ...]:
        """Return the builds that the default index has of a release, else the release itself."""
        from_channels = list_channel_frameworks(self._rig.env[found.env])
        if "+" in found.version or found.product in from_channels:
            return (found.version,)
        releases = self._matrix.product(found.product).releases
        of_version = [r for r in releases if strip_local_version(r.version) == found.version]
        indexed = [r.version for r in of_version if self._is_indexed(r)]
        return tuple(indexed) or (found.version,)

    def _is_indexed(self, release: Release) -> bool:
        return is_on_default_index(release, self._resolution.arch)

    def find_build_elsewhere(
        self, framework: FoundFramework, others: Sequence[FoundFramework] = ()
    ) -> str | None:
        """Return a build of a release that fits the machine and that another index has."""
        for row in self._matrix.product(framework.product).releases:
            same = strip_local_version(row.version) == framework.version
            if not same or self._is_indexed(row) or is_page_of_links(row.get("index") or ""):
                continue
            if self.solve([*others, replace(framework, version=row.version)]) is not None:
                return row.version
        return None

    def conflict(self, env: str, found: Sequence[FoundFramework]) -> FrameworkConflict:
        """Return why these frameworks of an environment have no solution."""
        requirements = (*self._requirements, *map(self._as_requirement, found))
        problem = self._builder.problem(requirements)
        encoding = encode(problem)
        with SolverSession(problem, encoding) as session:
            first = next(iter(find_conflicts(problem, encoding, session)))
        return FrameworkConflict(env, first, problem)

    def find_exclusion(self, framework: FoundFramework, version: str) -> FrameworkConflict | None:
        """Return why another release of a framework does not fit; None where it does."""
        other = replace(framework, version=version)
        return self.conflict(framework.env, [other]) if self.solve([other]) is None else None

    def build_resolution(self, solution: Solution) -> Resolution:
        """Return a solution as the resolution of the rig."""
        rules = tuple(self._builder.implied_rules(solution))
        needed = drop_unneeded_toolkit(self._rig, self._builder, solution)
        return build_resolution(self._rig, self._resolution.machine, self._matrix, rules, needed)

    def package_rules(self, env: str, solution: Solution) -> Iterator[PackageRule]:
        """Yield the requirements of the matrix on plain packages of an environment."""
        for row in self._builder.implied_rules(solution):
            owner, _, package = row.requires[0].partition("/" + PACKAGE_PREFIX)
            if owner == env and package:
                versions = parse_alternative(row.requires[1][0]).versions or ""
                requirement = f"{canonicalize_name(package)}{versions}"
                yield PackageRule(requirement, row.rule.statement, row.rule.code)


def list_other_pythons(
    rig: Rig, resolution: Resolution, matrix: Matrix, env: str
) -> Iterator[Resolution]:
    """Yield resolutions with other Pythons for an environment, others as they are.

    Ever older ones come first, then newer ones.
    """
    builder = build_problem(rig, resolution.machine, matrix)
    chosen = list_locked_preferences(builder, resolution, ())
    key = get_env_key(env, "python")
    preferred = {k: each for k, each in chosen.items() if not k.startswith(get_env_key(env, ""))}
    if key not in chosen:
        return
    candidates = builder.universes[key].candidates
    place = candidates.index(chosen[key])
    for candidate in (*candidates[place + 1 :], *reversed(candidates[:place])):
        other = Requirement(key, (candidate.exactly,), None, "", editable=False)
        solution = find_newest(builder, (*_possible(builder), other), preferred)
        if solution is not None:
            rules = tuple(builder.implied_rules(solution))
            needed = drop_unneeded_toolkit(rig, builder, solution)
            yield build_resolution(rig, resolution.machine, matrix, rules, needed)


def join_environments(
    rig: Rig,
    resolution: Resolution,
    matrix: Matrix,
    envs: Sequence[tuple[EnvResolution, Sequence[FoundFramework]]],
) -> Resolution | None:
    """Return the resolution of a machine with these environments; None where they conflict.

    Each environment was solved alone. The driver, CUDA and cuDNN have to fit all of them.
    """
    found = [framework for _, frameworks in envs for framework in frameworks]
    solved = replace(resolution, envs=tuple(env for env, _ in envs))
    implied = {
        env.name: [f.package for f in frameworks if not _is_requested(rig, f)]
        for env, frameworks in envs
    }
    solution = FrameworkRules(rig, solved, matrix, implied).solve(found)
    if solution is None:
        return None
    # Dependencies are part of the lock, not of the resolution: `check` does not know them.
    rules = FrameworkRules(rig, solved, matrix)
    requested = [framework for framework in found if _is_requested(rig, framework)]
    alone = rules.solve(requested, solution)
    return rules.build_resolution(alone) if alone is not None else None


def _is_requested(rig: Rig, framework: FoundFramework) -> bool:
    return framework.product in list_framework_products(rig.env[framework.env])


def _possible(builder: ProblemBuilder) -> tuple[Requirement, ...]:
    """Return the requirements of the spec that some known release satisfies."""
    universes = builder.universes
    return tuple(c for c in builder.requirements if universes[c.component].mask(c.alternatives))


def find_owner(package: str) -> tuple[str, str]:
    """Return the product and the family of a framework's package. Raises KeyError."""
    owner = find_package_owner(package)
    if owner is None:
        raise KeyError(package)
    return owner


def find_main_package(package: str) -> str:
    """Return the package that represents a framework: `jax` for `jaxlib`. Raises KeyError.

    A family such as `tensorflow-gpu` has releases that the product's package does not have.
    """
    product, family = find_owner(package)
    return package if family else product


def format_version_range(admitted: Collection[str], known: Collection[str]) -> str:
    """Return the specifiers that leave the admitted ones of the known releases.

    An index has releases, not builds: a release is admitted if one of its builds is.
    """
    wanted = {Version(strip_local_version(text)) for text in admitted}
    if len(wanted) == 1:
        return f"=={wanted.pop()}"
    least, newest = min(wanted), max(wanted)
    others = {Version(strip_local_version(text)) for text in known} - wanted
    gaps = [f"!={version}" for version in sorted(others) if least < version < newest]
    return ",".join([f">={least}", f"<={newest}", *gaps])
