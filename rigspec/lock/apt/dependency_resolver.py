"""The dependencies of packages of the system: each at one version, as apt would choose.

Depends and Pre-Depends, no recommendations. Of alternatives the one that is there already, else the
first that can be had; of the packages that provide a name the most usual, then the first by name.
What no system of the release is without is left out, unless something needs it newer.

A third-party repository is used only for the packages requested from it, and for what
those need there. Its packages follow each other's version: a driver of 465.19 needs libraries
`>= 465.19`, and works with those of the same version.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rigspec.lock.apt.packages_index import (
    AptCandidate,
    AptIndex,
    PackageList,
    Relation,
    strip_packaging_revision,
)

__all__ = [
    "Choice",
    "PackageNotFound",
    "ThirdPartyRepositories",
    "UnsatisfiableDependency",
    "VersionNotFound",
    "find_base_system",
    "resolve_closure",
]

_INSTALLER = "apt"


@dataclass(frozen=True)
class ThirdPartyRepositories:
    """Third-party repositories by name, and the packages ``wanted`` from them: a
    version by name, None where any will do.
    """

    archives: frozenset[str] = frozenset()
    wanted: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """A package at a version, and the chosen packages that it needs."""

    offer: AptCandidate
    needs: tuple[str, ...]


class PackageNotFound(Exception):
    """The index has no package ``name``; ``instead`` are packages that provide it."""

    def __init__(self, name: str, instead: tuple[str, ...]) -> None:
        super().__init__(name)
        self.name = name
        self.instead = instead


class VersionNotFound(Exception):
    """The index does not have the requested version; ``there`` are those it has."""

    def __init__(self, name: str, version: str, there: tuple[str, ...]) -> None:
        super().__init__(f"{name} {version}")
        self.there = there


class UnsatisfiableDependency(Exception):
    """No choice satisfies a relation of the package ``of``; the message names it."""

    def __init__(self, of: str, names: frozenset[str], why: str) -> None:
        super().__init__(why)
        self.of = of
        self.names = names


def find_base_system(release: Sequence[PackageList]) -> Mapping[str, AptCandidate]:
    """Return the packages of every system of the release, at their first versions."""
    index = AptIndex(release)
    names = {name for each in release for name in each.base()}
    if index.versions_of(_INSTALLER):
        names.add(_INSTALLER)
    chosen = _Resolver(index, {}, {}, ThirdPartyRepositories()).choices(sorted(names))
    return {name: choice.offer for name, choice in chosen.items()}


def resolve_closure(
    index: AptIndex,
    wanted: Sequence[str],
    base: Mapping[str, AptCandidate],
    preferred: Mapping[str, str],
    third_party: ThirdPartyRepositories,
) -> Mapping[str, Choice]:
    """Return a version of every wanted package and of their dependencies beyond the ``base``.

    A version in ``preferred`` (by name) is preferred where that is possible, else the newest.
    Raises PackageNotFound, VersionNotFound or UnsatisfiableDependency.
    """
    remaining = dict(preferred)
    while True:
        try:
            return _Resolver(index, base, remaining, third_party).choices(wanted)
        except UnsatisfiableDependency as error:
            # What was locked may no longer go with what is there now: let it go, and no more.
            loosened = {name: v for name, v in remaining.items() if name not in error.names}
            if len(loosened) == len(remaining):
                if not remaining:
                    raise
                loosened = {}
            remaining = loosened


class _Resolver:
    """One pass: every package is chosen once, and what is chosen stays."""

    def __init__(
        self,
        index: AptIndex,
        base: Mapping[str, AptCandidate],
        preferred: Mapping[str, str],
        third_party: ThirdPartyRepositories,
    ) -> None:
        self._index = index
        self._base = base
        self._preferred = preferred
        self._third_party = third_party
        self._chosen: dict[str, AptCandidate] = {}

    def choices(self, wanted: Sequence[str]) -> dict[str, Choice]:
        found: dict[str, Choice] = {}
        # What the distribution alone has to give is settled before anybody else is requested: it is
        # installed before the other repositories are there.
        for names in (wanted, self._third_party.wanted):
            self._chosen |= {name: self._direct(name) for name in names}
            queue = deque(sorted(set(names)))
            while queue:
                name = queue.popleft()
                offer, before = self._chosen[name], set(self._chosen)
                needs = [need for group in offer.depends for need in self._satisfying(offer, group)]
                found[name] = Choice(offer, tuple(sorted(set(needs) - {name})))
                queue.extend(new for new in self._chosen if new not in before)
                queue.extend(self._newer_base(offer))
        self._check_conflicts()
        return found

    def _direct(self, name: str) -> AptCandidate:
        """Return the version of a requested package. Raises PackageNotFound or VersionNotFound."""
        if name not in self._third_party.wanted:
            offers = self._offers(name)
        else:
            offers = self._everywhere(name)
            offers = [o for o in offers if o.archive in self._third_party.archives] or offers
        if not offers:
            raise PackageNotFound(
                name, tuple(o.name for o in self._index.providing(Relation(name)))
            )
        requested = self._third_party.wanted.get(name)
        if requested is None:
            return offers[0]
        # The packager's own part of a version is not part of the request.
        same = [
            o
            for o in offers
            if strip_packaging_revision(o.version) == strip_packaging_revision(requested)
        ]
        if not same:
            raise VersionNotFound(name, requested, tuple(offer.version for offer in offers))
        return min(same, key=lambda offer: offer.version != requested)

    def _offers(self, name: str) -> list[AptCandidate]:
        """Return the versions of a package in the distribution, the preferred one first."""
        return [o for o in self._everywhere(name) if o.archive not in self._third_party.archives]

    def _everywhere(self, name: str) -> list[AptCandidate]:
        preferred = self._preferred.get(name)
        return sorted(self._index.versions_of(name), key=lambda offer: offer.version != preferred)

    def _following(self, needs: AptCandidate, relation: Relation) -> list[AptCandidate]:
        """Return the versions of a package for the one that needs it, the preferred one first.

        In a third-party repository that is the same version, else the locked one, else the one
        that the relation names: it was current when the dependency was written.
        """
        if needs.archive not in self._third_party.archives:
            return self._offers(relation.name)
        offers = self._everywhere(relation.name)
        asking = strip_packaging_revision(needs.version)
        named = strip_packaging_revision(relation.version) if relation.version else None

        def distance(offer: AptCandidate) -> tuple[bool, bool, bool, bool]:
            third_party, upstream = (
                offer.archive == needs.archive,
                strip_packaging_revision(offer.version),
            )
            return (
                not (third_party and upstream == asking),
                not (third_party and offer.version == needs.version),
                offer.version != self._preferred.get(offer.name),
                not (third_party and upstream == named),
            )

        return sorted(offers, key=distance)

    def _satisfying(self, offer: AptCandidate, group: tuple[Relation, ...]) -> Iterator[str]:
        """Return the chosen package that satisfies a dependency; None where the base does."""
        for relation in group:
            for there in self._answering(self._chosen, relation):
                yield there.name
                return
        for relation in group:
            for there in self._answering(self._base, relation):
                if there.name not in self._chosen:
                    return
        for relation in group:
            for candidate in self._candidates(offer, relation):
                if not self._clashes(candidate):
                    self._chosen[candidate.name] = candidate
                    yield candidate.name
                    return
        names = frozenset(relation.name for relation in group) | {offer.name}
        text = " | ".join(map(str, group))
        raise UnsatisfiableDependency(
            offer.name, names, f"{offer.name} {offer.version} needs {text}"
        )

    @staticmethod
    def _answering(there: Mapping[str, AptCandidate], relation: Relation) -> Iterator[AptCandidate]:
        if relation.name in there and there[relation.name].answers(relation):
            yield there[relation.name]
        yield from (offer for offer in there.values() if offer.answers(relation))

    def _candidates(self, needs: AptCandidate, relation: Relation) -> Iterator[AptCandidate]:
        if relation.name not in self._chosen:
            following = self._following(needs, relation)
            yield from (o for o in following if relation.admits(o.version))
        for provider in self._index.providing(relation):
            if provider.name not in self._chosen:
                following = self._following(needs, Relation(provider.name))
                yield from (o for o in following if o.answers(relation))

    def _clashes(self, candidate: AptCandidate) -> bool:
        return any(_conflict_between(candidate, other) for other in self._chosen.values())

    def _newer_base(self, offer: AptCandidate) -> Iterator[str]:
        """Yield the packages of the base that the offer needs newer, if the index has such."""
        for relation in offer.conflicts:
            there = self._base.get(relation.name)
            if there is None or there.name in self._chosen or there.name == offer.name:
                continue
            if there.answers(relation):
                for newer in self._offers(there.name):
                    if not newer.answers(relation):
                        self._chosen[newer.name] = newer
                        yield newer.name
                        break

    def _check_conflicts(self) -> None:
        offers = list(self._chosen.values())
        names = {offer.name for offer in offers}
        for offer in offers:
            for relation in offer.conflicts:
                provided = relation.name not in names
                others = offers if provided else [self._chosen[relation.name]]
                for other in others:
                    if other.name != offer.name and other.answers(relation):
                        both = frozenset({offer.name, other.name})
                        why = f"{offer.name} {offer.version} conflicts with {other.name}"
                        raise UnsatisfiableDependency(offer.name, both, f"{why} {other.version}")


def _conflict_between(one: AptCandidate, other: AptCandidate) -> bool:
    if one.name == other.name:
        return True
    return any(other.answers(relation) for relation in one.conflicts) or any(
        one.answers(relation) for relation in other.conflicts
    )
