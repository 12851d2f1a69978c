"""Packages that conda installs from channels: a fact about a wheel does not apply to them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from packaging.version import Version

from rigspec.matrix.components import CHANNEL_SUFFIX, PACKAGE_PREFIX, get_channel_product
from rigspec.matrix.model import Matrix, Product, Release, Rule
from rigspec.resolve.problem.domains import Candidate, CandidateDomain
from rigspec.resolve.problem.requested_packages import (
    list_requested_frameworks,
    list_requested_packages,
)
from rigspec.resolve.problem.written_versions import find_exact_version
from rigspec.spec.models.environment import Environment
from rigspec.version_specifiers import (
    NO_BUILD,
    Alternative,
    build_of,
    get_version_key,
    parse_alternative,
    strip_local_version,
)

__all__ = [
    "build_channel_domain",
    "find_channel_build",
    "is_about_channel_packages",
    "is_about_channels",
    "list_channel_builds",
    "list_channel_components",
    "list_channel_frameworks",
]


# Names that only conda channels have, and the name that conda installs with CUDA only.
_CONDA_NAMES = frozenset({"pytorch", "pytorch-gpu"})
_WITH_CUDA = "pytorch-gpu"

# Channels without a framework, and the server of the others.
_WITHOUT_FRAMEWORKS = frozenset({"nvidia"})
_SERVER = "https://conda.anaconda.org/"

# The end of a build's name, after its channel.
_BUILD = re.compile(r"cuda(?P<cuda>\d+(?:\.\d+)*)$|cpu$")


def list_channel_components(env: Environment) -> frozenset[str]:
    """Return the frameworks and packages that conda installs here, as components."""
    if env.manager != "conda":
        return frozenset()
    packages = list_requested_packages(env)
    return frozenset(list_channel_frameworks(env)).union(
        PACKAGE_PREFIX + package.name for package in packages if package.table == "packages"
    )


def list_channel_frameworks(env: Environment) -> dict[str, str]:
    """Return the frameworks that conda installs here, and the name of the package of each."""
    if env.manager != "conda":
        return {}
    lines = tuple(list_requested_frameworks(env))
    from_channels = {
        line.product: line.key.lower()
        for line in lines
        if line.table == "packages" or line.key.lower() in _CONDA_NAMES
    }
    for line in lines:
        if line.table == "frameworks" and line.key.lower() not in _CONDA_NAMES:
            from_channels.pop(line.product, None)
    return from_channels


def build_channel_domain(
    domain: CandidateDomain,
    requested: Iterable[str],
    builds: Iterable[Candidate],
    *,
    all_known: bool,
) -> CandidateDomain:
    """Return the builds of channels, then the releases of which no build is known.

    ``builds`` are those of the channels of an environment, in their order. A release without one is
    one without a build, and so is a requested version that no table lists. If not ``all_known``,
    a channel can have another build of each release.
    """
    ordered = sorted(builds, key=_by_version, reverse=True)
    built = {strip_local_version(build.version) for build in ordered}
    releases = [
        Candidate(c.family, strip_local_version(c.version)) if _has_build(c) else c
        for c in domain.candidates
    ]
    if not all_known:
        releases += [Candidate(None, version) for version in built]
    plain = [r for r in dict.fromkeys(releases) if not all_known or r.version not in built]
    known = (*ordered, *sorted(plain, key=_by_version, reverse=True))
    listed = CandidateDomain(known, name_build=_name_build)
    unlisted = [
        Candidate(alternative.family, version)
        for text in requested
        if not listed.mask((text,))
        and (version := _name_unlisted(alternative := parse_alternative(text)))
    ]
    candidates = (*dict.fromkeys(unlisted), *known)
    return CandidateDomain(candidates, frozenset(plain), _name_build)


def list_channel_builds(
    framework: str, env: Environment, arch: str, matrix: Matrix, *, gpu: bool
) -> tuple[tuple[Candidate, ...], bool]:
    """Return the builds of a framework in an environment's channels, in the order of the channels.

    Without a ``gpu`` those for the CPU come first, unless the package is one that has CUDA, or the
    environment requests a package that selects a build with CUDA (`cudatoolkit`). The second value
    is false if one of the channels is not in the matrix.
    """
    name = get_channel_product(framework)
    if name not in matrix or arch != "x86_64":
        return (), False
    releases = matrix.product(name).releases
    known = {release.get("channel") for release in releases}
    gpu = gpu or not _list_selectors(releases).isdisjoint(env.requests)
    if list_channel_frameworks(env).get(framework) == _WITH_CUDA:
        releases = tuple(release for release in releases if release.get("cuda") is not None)
    channels = [channel.removeprefix(_SERVER).rstrip("/") for channel in env.channels]
    builds = (
        Candidate(None, release.version)
        for channel in channels
        for release in _sorted_builds((r for r in releases if r.get("channel") == channel), gpu)
    )
    return tuple(builds), all(c in known or c in _WITHOUT_FRAMEWORKS for c in channels)


def find_channel_build(product: Product, version: str) -> Release | None:
    """Return the build of a conda channel with this version."""
    return next(iter(product.list_releases(version)), None)


def is_about_channel_packages(
    rule: Rule, components: Collection[str], frameworks: Collection[str]
) -> bool:
    """Return whether the rule applies to packages of channels: ``components`` that it names.

    Rules about a release as a whole join it with versions of other packages. The Python, CUDA, C
    library and GPUs that it needs are those of a wheel, and so is everything about a build.
    """
    if is_about_channels((rule,)):
        return True
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


def is_about_channels(rules: Iterable[Rule]) -> bool:
    """Return whether the rules are about builds of conda channels, which wheels have not."""
    return any(rule.table.partition("/")[0].endswith(CHANNEL_SUFFIX) for rule in rules)


def _name_build(build: str) -> tuple[str, ...]:
    """Return the names of a build of a channel: ``pytorch.cuda12.1``, ``cu121``, ``cuda``."""
    match = _BUILD.search(build)
    if match is None:
        return (build,)
    digits = match["cuda"].replace(".", "") if match["cuda"] else None
    short = (f"cuda{digits}", f"cu{digits}", "cuda") if digits is not None else ()
    return (*dict.fromkeys((build, match[0], *short)),)


def _name_unlisted(alternative: Alternative) -> str | None:
    """Return the exact version of a request with its build, which no channel is known to have."""
    version = find_exact_version(alternative)
    if version is None or alternative.build in (None, NO_BUILD):
        return version
    return f"{strip_local_version(version)}+{alternative.build}"


def _list_selectors(releases: Iterable[Release]) -> frozenset[str]:
    """Return the packages besides a framework itself that select a build of it with CUDA."""
    selects = (release.get("select") or "" for release in releases if release.get("cuda"))
    return frozenset(text.partition("=")[0] for text in selects) - _CONDA_NAMES


def _sorted_builds(releases: Iterable[Release], gpu: bool) -> list[Release]:
    """Return builds for the newest CUDA first, and those without CUDA last or first."""
    found = sorted(releases, key=lambda r: get_version_key(r.get("cuda") or "0"), reverse=True)
    return sorted(found, key=lambda release: (release.get("cuda") is not None) != gpu)


def _by_version(candidate: Candidate) -> tuple[int, Version | str]:
    return get_version_key(strip_local_version(candidate.version))


def _has_build(candidate: Candidate) -> bool:
    return build_of(candidate.version) != NO_BUILD
