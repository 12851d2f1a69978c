"""Package lists, parsed only where needed: one contains some sixty thousand packages."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from debian.deb822 import Packages, PkgRelation
from debian.debian_support import Version

from rigspec.lock.errors import report_untrusted_index

__all__ = ["AptCandidate", "AptIndex", "PackageList", "Relation", "strip_packaging_revision"]

# Each begins with characters, which `re` finds ten times as fast as `^`: a list has 50 MB.
_NAME = re.compile(rb"\nPackage:[ \t]*(\S+)[ \t]*(?=\n)")
_PROVIDES = re.compile(rb"\nProvides:((?:.*)(?:\n[ \t].*)*)")
_BASE = (
    re.compile(rb"\nPriority:[ \t]*required[ \t]*(?=\n)"),
    re.compile(rb"\nEssential:[ \t]*yes[ \t]*(?=\n)"),
)


@dataclass(frozen=True)
class Relation:
    """One alternative of a dependency: a name, and the versions that satisfy it."""

    name: str
    operator: str = ""
    version: str = ""

    def admits(self, version: str | None) -> bool:
        """Return whether a version satisfies it; None is the version of a provided name."""
        if not self.operator:
            return True
        if version is None:
            return False
        one, other = _parse_version(version), _parse_version(self.version)
        if self.operator in ("<<", ">>"):
            return bool(one < other) if self.operator == "<<" else bool(one > other)
        if self.operator == "=":
            return bool(one == other)
        return bool(one <= other) if self.operator in ("<=", "<") else bool(one >= other)

    def __str__(self) -> str:
        return f"{self.name} ({self.operator} {self.version})" if self.operator else self.name


@dataclass(frozen=True)
class AptCandidate:
    """One version of a package in one archive. ``depends`` are groups of alternatives."""

    name: str
    version: str
    architecture: str
    archive: str
    path: str
    sha256: str
    size: int
    priority: str
    depends: tuple[tuple[Relation, ...], ...]
    conflicts: tuple[Relation, ...]
    provides: tuple[Relation, ...]

    def answers(self, relation: Relation) -> bool:
        """Return whether it satisfies the relation, by its own name or by one it provides."""
        if relation.name == self.name:
            return relation.admits(self.version)
        return any(
            provided.name == relation.name and relation.admits(provided.version or None)
            for provided in self.provides
        )


class PackageList:
    """The package list of one component of the archive ``archive``.

    Packages in ``avoided`` (name and version) are skipped, and those of another ``architecture``
    where one is given: a flat archive has all architectures in one list.
    """

    def __init__(
        self,
        archive: str,
        data: bytes,
        avoided: Collection[tuple[str, str]] = (),
        architecture: str | None = None,
    ) -> None:
        self._archive = archive
        self._data = b"\n%b\n" % data
        self._avoided = avoided
        self._architectures = (architecture, "all") if architecture is not None else ()

    def versions_of(self, name: str) -> Iterator[AptCandidate]:
        """Return the versions of a package."""
        for start in self._places.get(name.encode(), ()):
            offer = self._offer(start)
            if (offer.name, offer.version) not in self._avoided and self._fits(offer):
                yield offer

    def providing(self, name: str) -> Iterator[AptCandidate]:
        """Return the packages that provide a name."""
        offers = map(self._offer, self._providers.get(name.encode(), ()))
        yield from filter(self._fits, offers)

    def base(self) -> Iterator[str]:
        """Yield the names of the packages of every system of this release."""
        for pattern in _BASE:
            for found in pattern.finditer(self._data):
                yield self._offer(self._start(found.start())).name

    @cached_property
    def _places(self) -> dict[bytes, list[int]]:
        places: dict[bytes, list[int]] = {}
        for found in _NAME.finditer(self._data):
            places.setdefault(found[1], []).append(self._start(found.start()))
        return places

    @cached_property
    def _providers(self) -> dict[bytes, list[int]]:
        providers: dict[bytes, list[int]] = {}
        for found in _PROVIDES.finditer(self._data):
            start = self._start(found.start())
            for provided in found[1].split(b","):
                name = provided.split(b"(")[0].strip()
                providers.setdefault(name.partition(b":")[0], []).append(start)
        return providers

    def _fits(self, offer: AptCandidate) -> bool:
        # What has no checksum cannot be pinned.
        known = not self._architectures or offer.architecture in self._architectures
        return known and offer.sha256 != ""

    def _start(self, place: int) -> int:
        """Return the start of the paragraph around a position."""
        before = self._data.rfind(b"\n\n", 0, place + 1)
        return before + 2 if before >= 0 else 1

    def _offer(self, start: int) -> AptCandidate:
        end = self._data.find(b"\n\n", start)
        paragraph = self._data[start : end if end >= 0 else len(self._data)]
        return _read(self._archive, paragraph)


class AptIndex:
    """Several lists as one; those of the first archive are the original release."""

    def __init__(self, lists: Sequence[PackageList]) -> None:
        self._lists = tuple(lists)
        self._named: dict[str, tuple[AptCandidate, ...]] = {}
        self._providing: dict[str, tuple[AptCandidate, ...]] = {}

    def versions_of(self, name: str) -> tuple[AptCandidate, ...]:
        """Return every version of a package, newest first; the first list wins among equals."""
        if name not in self._named:
            offers = {
                o.version: o for each in reversed(self._lists) for o in each.versions_of(name)
            }
            self._named[name] = _newest_first(tuple(offers.values()))
        return self._named[name]

    def providing(self, relation: Relation) -> tuple[AptCandidate, ...]:
        """Return the newest of each package that satisfies a relation, the most usual first."""
        if relation.name not in self._providing:
            names = {o.name for each in self._lists for o in each.providing(relation.name)}
            found = map(self.versions_of, sorted(names - {relation.name}))
            newest = [versions[0] for versions in found if versions]
            self._providing[relation.name] = tuple(sorted(newest, key=_usual_first))
        return tuple(o for o in self._providing[relation.name] if o.answers(relation))


def strip_packaging_revision(version: str) -> str:
    """Return the upstream part of a version: ``465.19.01-0ubuntu1`` is ``465.19.01``."""
    return str(_parse_version(version).upstream_version)


def _newest_first(offers: tuple[AptCandidate, ...]) -> tuple[AptCandidate, ...]:
    return tuple(sorted(offers, key=lambda offer: _parse_version(offer.version), reverse=True))


_PRIORITIES = ("required", "important", "standard", "optional", "extra")


def _usual_first(offer: AptCandidate) -> tuple[int, str]:
    known = offer.priority in _PRIORITIES
    return _PRIORITIES.index(offer.priority) if known else len(_PRIORITIES), offer.name


@lru_cache(maxsize=65536)
def _parse_version(version: str) -> Any:
    return Version(version)


def _read(archive: str, paragraph: bytes) -> AptCandidate:
    """Return the package of a paragraph.

    Raises:
        LockError: if a field is missing or is not of the form of its kind.

    """
    try:
        return _build(archive, Packages(paragraph))
    except (KeyError, ValueError) as error:
        why = f"no {error}" if isinstance(error, KeyError) else str(error)
        found = _NAME.search(b"\n%b\n" % paragraph)
        name = found[1].decode(errors="replace") if found is not None else "?"
        what = f"the package list of {archive}"
        raise report_untrusted_index(what, f"invalid entry of `{name}`: {why}") from None


def _build(archive: str, fields: Any) -> AptCandidate:
    _parse_version(fields["Version"])
    needs = [fields[name] for name in ("Pre-Depends", "Depends") if name in fields]
    against = [fields[name] for name in ("Conflicts", "Breaks") if name in fields]
    return AptCandidate(
        name=fields["Package"],
        version=fields["Version"],
        architecture=fields.get("Architecture", ""),
        archive=archive,
        path=fields["Filename"].removeprefix("./"),
        sha256=fields.get("SHA256", ""),
        size=int(fields["Size"]),
        priority=fields.get("Priority", ""),
        depends=tuple(group for text in needs for group in _groups(text)),
        conflicts=tuple(group[0] for text in against for group in _groups(text)),
        provides=tuple(group[0] for group in _groups(fields.get("Provides", ""))),
    )


def _groups(text: str) -> Iterator[tuple[Relation, ...]]:
    """Return the groups of alternatives of a relation field."""
    for group in PkgRelation.parse_relations(text) if text.strip() else ():
        named = tuple(
            Relation(one["name"], *(one.get("version") or ())) for one in group if one.get("name")
        )
        for relation in named:
            if relation.version:
                _parse_version(relation.version)
        if named:
            yield named
