"""Hash-pinned requirements for interpreters that uv refuses (Python 2.7 and 3.5).

A resolution for the target's own markers, tags and Requires-Python. No such interpreter is
needed, and no code of any package is run: requirements come from metadata alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from resolvelib import AbstractProvider, BaseReporter, ResolutionImpossible, Resolver
from resolvelib.resolvers import ResolutionTooDeep

from rigspec.lock.errors import index_failure, report_no_solution
from rigspec.lock.python.conflicts import PackageConflict, RequiredPackage, find_collision
from rigspec.lock.python.index.package_index import AvailableVersion, PackageIndex
from rigspec.lock.python.index.pages import hash_bytes
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.python.requirements_file import format_pins

if TYPE_CHECKING:
    from resolvelib.resolvers import RequirementInformation
    from resolvelib.structs import Matches

__all__ = ["compile_requirements"]

_ROUNDS = 2000
# Operators of specifiers that exclude newer releases.
_UPPER = frozenset({"<", "<=", "~=", "=="})
# How many of the pairs between which a search goes back and forth are named.
_PAIRS = 3


def compile_requirements(request: ResolveRequest) -> str:
    """Return the requirements, resolved for the target and pinned with hashes, sorted by name.

    Versions with a wheel are preferred to newer ones that would be built. Raises LockError.
    """
    index = PackageIndex.of(request, request.as_of)
    markers = request.target.markers()
    roots = [Requirement(text) for text in request.requirements]
    preferred = request.preferred_versions()
    roots += [Requirement(package.name) for package in request.direct]
    provider = _Provider(index, markers, request, preferred, roots)
    resolver: Resolver[Requirement, AvailableVersion, str] = Resolver(provider, BaseReporter())
    try:
        result = resolver.resolve(roots, max_rounds=_ROUNDS)
    except ResolutionImpossible as error:
        collision = find_collision(*provider.explain(tuple(error.causes)))
        if collision is not None:
            raise PackageConflict(request.env, collision) from None
        reasons = sorted({_cause(cause) for cause in error.causes})
        collided = {provider.identify(cause.requirement) for cause in error.causes}
        reasons += [reason for name, reason in sorted(provider.unbuilt.items()) if name in collided]
        raise report_no_solution(request.env, "; ".join(reasons)) from None
    except ResolutionTooDeep:
        raise report_no_solution(request.env, _explain_endless(provider.collisions)) from None
    direct = {package.name for package in request.direct}
    found = {name: offer for name, offer in result.mapping.items() if name not in direct}
    return format_pins({name: _hashes_of(offer) for name, offer in found.items()})


def _cause(cause: RequirementInformation[Requirement, AvailableVersion]) -> str:
    if cause.parent is None:
        return f"the spec requires {cause.requirement}"
    return f"{cause.parent.name} {cause.parent.version} requires {cause.requirement}"


def _as_required(requirement: Requirement, parent: AvailableVersion | None) -> RequiredPackage:
    versions = (str(requirement.specifier),) if requirement.specifier else ()
    name = canonicalize_name(requirement.name)
    if parent is None:
        return RequiredPackage(name, versions)
    return RequiredPackage(name, versions, canonicalize_name(parent.name), f"=={parent.version}")


def _explain_endless(collisions: Counter[str]) -> str:
    """Return between which requirements a search without a result alternated."""
    pairs = "; ".join(text for text, _ in collisions.most_common(_PAIRS))
    cause = f" because these exclude each other: {pairs}" if pairs else ""
    return f"no result after {_ROUNDS} steps{cause}"


def _pair(causes: Sequence[RequirementInformation[Requirement, AvailableVersion]]) -> str:
    """Return the requirements that exclude each other, without the versions of who has them."""
    named = {(c.parent.name if c.parent else "the spec", str(c.requirement)) for c in causes}
    return " and ".join(f"{parent} requires {text}" for parent, text in sorted(named)[:2])


def _hashes_of(offer: AvailableVersion) -> tuple[Version, set[str]]:
    """Return a version and the checksums of its files. Raises LockError where there are none."""
    hashes = {checksum for file in offer.files for checksum in hash_bytes(file.link)}
    if not hashes:
        raise index_failure(f"{offer.name} {offer.version}", "the index states no sha256 for it")
    return offer.version, hashes


class _Provider(AbstractProvider[Requirement, AvailableVersion, str]):
    """The index in the form of resolvelib."""

    def __init__(
        self,
        index: PackageIndex,
        markers: Mapping[str, str],
        request: ResolveRequest,
        preferred: Mapping[str, Version],
        roots: Sequence[Requirement],
    ) -> None:
        self._index = index
        self._roots = [_as_required(root, None) for root in roots]
        # Why the newest source archive of a package cannot be built, by its name.
        self.unbuilt: dict[str, str] = {}
        # How often requirements excluded each other.
        self.collisions: Counter[str] = Counter()
        # Every requirement that was seen, by who has it and by what it requires.
        self._seen: dict[tuple[str, str], RequiredPackage] = {}
        self._last_causes: Sequence[RequirementInformation[Requirement, AvailableVersion]] = ()
        self._preferred = preferred
        self._markers = dict(markers)
        self._bounds: dict[str, SpecifierSet] = {}
        self._direct = {package.name: package for package in request.direct}
        for text in request.constraints:
            bound = Requirement(text)
            name = canonicalize_name(bound.name)
            self._bounds[name] = self._bounds.get(name, SpecifierSet()) & bound.specifier

    def identify(self, requirement_or_candidate: Requirement | AvailableVersion) -> str:
        """Return the canonical name: no package of these years needs extras to be separate."""
        return canonicalize_name(requirement_or_candidate.name)

    def get_preference(
        self,
        identifier: str,
        resolutions: Mapping[str, AvailableVersion],
        candidates: Mapping[str, Iterator[AvailableVersion]],
        information: Mapping[str, Iterator[RequirementInformation[Requirement, AvailableVersion]]],
        backtrack_causes: Sequence[RequirementInformation[Requirement, AvailableVersion]],
    ) -> tuple[bool, bool, bool, str]:
        """Return pinned first, then recent conflicts, bounded ones, then by name: always one order.

        A release that its requirer bounds above adds bounds on packages that others leave open.
        """
        if backtrack_causes is not self._last_causes and backtrack_causes:
            self._last_causes = backtrack_causes
            self.collisions[_pair(backtrack_causes)] += 1
        specifiers = [info.requirement.specifier for info in information[identifier]]
        pinned = any(s.operator == "==" for specifier in specifiers for s in specifier)
        collided = any(self.identify(c.requirement) == identifier for c in backtrack_causes)
        bounded = any(s.operator in _UPPER for specifier in specifiers for s in specifier)
        return (not pinned, not collided, not bounded, identifier)

    def find_matches(
        self,
        identifier: str,
        requirements: Mapping[str, Iterator[Requirement]],
        incompatibilities: Mapping[str, Iterator[AvailableVersion]],
    ) -> Matches[AvailableVersion]:
        """Return the offers that satisfy every requirement and constraint, best first.

        An sdist is read when its turn comes.
        """
        wanted = self._bounds.get(identifier, SpecifierSet())
        for requirement in requirements[identifier]:
            wanted &= requirement.specifier
        excluded = {offer.version for offer in incompatibilities[identifier]}
        # Pre-releases as PEP 440 admits them: where one is named, or nothing else is left.
        listed = self._offers(identifier)
        admitted = set(wanted.filter(dict.fromkeys(offer.version for offer in listed)))
        offers = [o for o in listed if o.version in admitted and o.version not in excluded]
        offers.sort(key=lambda offer: offer.version != self._preferred.get(identifier))
        return lambda: (offer for offer in offers if self._can_be_built(offer))

    def _offers(self, name: str) -> tuple[AvailableVersion, ...]:
        direct = self._direct.get(name)
        if direct is None:
            return self._index.offers(name)
        return (AvailableVersion(name, direct.pin.version, ()),)

    def _can_be_built(self, offer: AvailableVersion) -> bool:
        if offer.name in self._direct:
            return True
        lacking = self._index.missing_build_requirement(offer)
        if lacking is not None:
            name = canonicalize_name(offer.name)
            why = f"{offer.name} {offer.version} is built with {lacking}, which is not available"
            self.unbuilt.setdefault(name, f"{why} for this Python")
        return lacking is None

    def is_satisfied_by(self, requirement: Requirement, candidate: AvailableVersion) -> bool:
        """Return whether the version is in the range; the name is the same already."""
        return requirement.specifier.contains(candidate.version, prereleases=True)

    def get_dependencies(self, candidate: AvailableVersion) -> Iterator[Requirement]:
        """Yield the requirements with markers that are true for the target."""
        direct = self._direct.get(candidate.name)
        required = map(Requirement, direct.requires) if direct is not None else None
        for requirement in required or self._index.requirements(candidate):
            if requirement.marker is None or requirement.marker.evaluate(self._markers):
                seen = _as_required(requirement, candidate)
                self._seen.setdefault((seen.requirer or "", seen.name), seen)
                yield requirement

    def explain(
        self, causes: Sequence[RequirementInformation[Requirement, AvailableVersion]]
    ) -> tuple[list[RequiredPackage], list[RequiredPackage]]:
        """Return the requirements of a conflict, and all others that lead to them."""
        found = [_as_required(cause.requirement, cause.parent) for cause in causes]
        collided = {each.name for each in found}
        found = [replace(each, absent=self._absence(each)) for each in found]
        found += [
            RequiredPackage(name, (str(bound),), is_constraint=True)
            for name, bound in self._bounds.items()
            if name in collided
        ]
        return found, [*self._roots, *self._seen.values()]

    def _absence(self, required: RequiredPackage) -> str:
        offers = self._offers(required.name)
        if not offers:
            return "the index has no release for this Python and platform"
        fitting = [offer for offer in offers if required.admits(offer.version)]
        if not fitting:
            return "no release for this Python and platform matches"
        if all(self._index.missing_build_requirement(offer) for offer in fitting):
            return self.unbuilt.get(required.name, "")
        return ""
