"""The newest versions of packages that the rules of the matrix admit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rigspec.diagnostics.model import ExpectedPackage
from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.model import Matrix
from rigspec.resolve.problem.dependencies import RequiredFramework
from rigspec.resolve.problem.requested_packages import list_requested_packages
from rigspec.resolve.problem.requirements import get_env_key
from rigspec.resolve.problem.written_versions import find_exact_version
from rigspec.resolve.solver.sat import Solution
from rigspec.spec.models.rig import Rig
from rigspec.version_specifiers import parse_alternative, strip_local_version

__all__ = ["list_expected_packages"]


def list_expected_packages(
    rig: Rig, matrix: Matrix, solution: Solution, required: Iterable[RequiredFramework]
) -> Iterator[ExpectedPackage]:
    """Yield the packages of the spec and the frameworks that they require.

    ``solution`` has the frameworks. A version that is not in the list of the package's releases is
    left out: it represents a range and need not exist. So are packages of conda, which have other
    releases.
    A lock may take older ones, because packages bind each other in ways that no rule has.
    """
    for env, spec in sorted(rig.env.items()):
        for package in list_requested_packages(spec) if spec.manager != "conda" else ():
            product = PACKAGE_PREFIX + package.name
            chosen = solution.get(get_env_key(env, product))
            listing = matrix.product(product).listing if product in matrix else None
            if chosen is None or listing is None:
                continue
            if strip_local_version(chosen.version) in listing.versions:
                is_exact = find_exact_version(parse_alternative(package.request)) is not None
                yield ExpectedPackage(env, package.name, chosen.version, is_exact)
    for each in required:
        chosen = solution.get(get_env_key(each.env, each.framework))
        if chosen is not None:
            version = strip_local_version(chosen.version)
            runtime = solution.get(get_env_key(each.env, "cuda_runtime"))
            cuda = runtime.version if runtime is not None and runtime.version != "none" else None
            yield ExpectedPackage(
                each.env, each.framework, version, required_by=each.package.name, cuda=cuda
            )
