"""Packages that conda installs from channels: a fact about a wheel does not apply to them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rigspec.matrix.components import PACKAGE_PREFIX
from rigspec.matrix.model import Rule
from rigspec.resolve.problem.domains import Candidate, CandidateDomain
from rigspec.resolve.problem.requirements import requested_frameworks, requested_packages
from rigspec.resolve.problem.written_versions import exact_version
from rigspec.spec.models.environment import Environment
from rigspec.version_specifiers import NO_BUILD, build_of, parse_alternative, public_version

__all__ = [
    "channel_components",
    "channel_domain",
    "channel_frameworks",
    "is_about_channel_packages",
]


def channel_components(env: Environment) -> frozenset[str]:
    """Return the frameworks and packages that conda installs here, as components."""
    if env.manager != "conda":
        return frozenset()
    packages = requested_packages(env)
    return frozenset(channel_frameworks(env)).union(
        PACKAGE_PREFIX + package.name for package in packages if package.table == "packages"
    )


def channel_frameworks(env: Environment) -> dict[str, str]:
    """Return the frameworks that conda installs here, and the name of the package of each."""
    if env.manager != "conda":
        return {}
    lines = tuple(requested_frameworks(env))
    from_index = {line.product for line in lines if line.table == "frameworks"}
    return {
        line.product: line.key.lower()
        for line in lines
        if line.table == "packages" and line.product not in from_index
    }


def channel_domain(domain: CandidateDomain, requested: Iterable[str]) -> CandidateDomain:
    """Return the releases without builds of wheels, and the requested ones that no table lists."""
    releases = [
        Candidate(c.family, public_version(c.version)) if _has_build(c) else c
        for c in domain.candidates
    ]
    listed = CandidateDomain(tuple(dict.fromkeys(releases)))
    unlisted = [
        Candidate(parse_alternative(text).family, version)
        for text in requested
        if not listed.mask((text,)) and (version := exact_version(parse_alternative(text)))
    ]
    return CandidateDomain((*dict.fromkeys(unlisted), *listed.candidates))


def is_about_channel_packages(
    rule: Rule, components: Collection[str], frameworks: Collection[str]
) -> bool:
    """Return whether the rule applies to packages of channels: ``components`` that it names.

    Rules about a release as a whole join it with versions of other packages. The Python, CUDA, C
    library and GPUs that it needs are those of a wheel, and so is everything about a build.
    """
    conditions = (*rule.when, rule.requires)
    if any(
        "+" in text
        for condition in conditions
        if condition.component in components
        for text in condition.alternatives
    ):
        return False
    required = rule.requires.component
    if required in frameworks or required.startswith(PACKAGE_PREFIX):
        return True
    return not any(condition.component in components for condition in rule.when)


def _has_build(candidate: Candidate) -> bool:
    return build_of(candidate.version) != NO_BUILD
