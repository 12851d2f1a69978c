"""Lists of packages, read only where they are asked: one holds some sixty thousand."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from debian.deb822 import Packages, PkgRelation
from debian.debian_support import Version

__all__ = ["AptCandidate", "AptIndex", "PackageList", "Relation", "upstream_of"]

_NAME = re.compile(rb"^Package:[ \t]*(\S+)[ \t]*$", re.MULTILINE)
_PROVIDES = re.compile(rb"^Provides:((?:.*)(?:\n[ \t].*)*)", re.MULTILINE)
_BASE = re.compile(rb"^(?:Priority:[ \t]*required|Essential:[ \t]*yes)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True)
class Relation:
    """One alternative of a dependency: a name, and the versions of it that will do."""

    name: str
    operator: str = ""
    version: str = ""

    def admits(self, version: str | None) -> bool:
        """Whether a version will do; None is that of a name which is only provided."""
        if not self.operator:
            return True
        if version is None:
            return False
        one, other = _parsed(version), _parsed(self.version)
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
        """Whether it is what the relation asks for, by its own name or by one it provides."""
        if relation.name == self.name:
            return relation.admits(self.version)
        return any(
            provided.name == relation.name and relation.admits(provided.version or None)
            for provided in self.provides
        )


class PackageList:
    """The list of one component of an archive, whose name is ``archive``.

    What is ``avoided`` (a name and a version) is not seen, nor what is of another ``architecture``
    than that, where one is given: a flat archive has those of all in one list.
    """

    def __init__(
        self,
        archive: str,
        data: bytes,
        avoided: Collection[tuple[str, str]] = (),
        architecture: str | None = None,
    ) -> None:
        self._archive = archive
        self._data = data
        self._avoided = avoided
        self._architectures = (architecture, "all") if architecture is not None else ()

    def named(self, name: str) -> Iterator[AptCandidate]:
        """The versions of a package."""
        for start in self._places.get(name.encode(), ()):
            offer = self._offer(start)
            if (offer.name, offer.version) not in self._avoided and self._fits(offer):
                yield offer

    def providing(self, name: str) -> Iterator[AptCandidate]:
        """The packages that provide a name."""
        offers = map(self._offer, self._providers.get(name.encode(), ()))
        yield from filter(self._fits, offers)

    def base(self) -> Iterator[str]:
        """The names of the packages that no system of this release is without."""
        for found in _BASE.finditer(self._data):
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
        """Where the paragraph around a place begins."""
        before = self._data.rfind(b"\n\n", 0, place)
        return before + 2 if before >= 0 else 0

    def _offer(self, start: int) -> AptCandidate:
        end = self._data.find(b"\n\n", start)
        paragraph = self._data[start : end if end >= 0 else len(self._data)]
        return _read(self._archive, paragraph)


class AptIndex:
    """Several lists as one: those of the first archive are the release as it came out."""

    def __init__(self, lists: Sequence[PackageList]) -> None:
        self._lists = tuple(lists)
        self._named: dict[str, tuple[AptCandidate, ...]] = {}
        self._providing: dict[str, tuple[AptCandidate, ...]] = {}

    def named(self, name: str) -> tuple[AptCandidate, ...]:
        """Every version of a package, newest first; of two alike that of the first list."""
        if name not in self._named:
            offers = {o.version: o for each in reversed(self._lists) for o in each.named(name)}
            self._named[name] = _newest_first(tuple(offers.values()))
        return self._named[name]

    def providing(self, relation: Relation) -> tuple[AptCandidate, ...]:
        """The newest of each package that provides what is asked, the most usual first."""
        if relation.name not in self._providing:
            names = {o.name for each in self._lists for o in each.providing(relation.name)}
            newest = [self.named(name)[0] for name in sorted(names - {relation.name})]
            self._providing[relation.name] = tuple(sorted(newest, key=_usual_first))
        return tuple(o for o in self._providing[relation.name] if o.answers(relation))


def upstream_of(version: str) -> str:
    """A version without what the packager put to it: ``465.19.01-0ubuntu1`` is ``465.19.01``."""
    return str(_parsed(version).upstream_version)


def _newest_first(offers: tuple[AptCandidate, ...]) -> tuple[AptCandidate, ...]:
    return tuple(sorted(offers, key=lambda offer: _parsed(offer.version), reverse=True))


_PRIORITIES = ("required", "important", "standard", "optional", "extra")


def _usual_first(offer: AptCandidate) -> tuple[int, str]:
    known = offer.priority in _PRIORITIES
    return _PRIORITIES.index(offer.priority) if known else len(_PRIORITIES), offer.name


@lru_cache(maxsize=65536)
def _parsed(version: str) -> Any:
    return Version(version)


def _read(archive: str, paragraph: bytes) -> AptCandidate:
    fields: Any = Packages(paragraph)
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
        conflicts=tuple(one for text in against for (one, *_) in _groups(text)),
        provides=tuple(one for (one, *_) in _groups(fields.get("Provides", ""))),
    )


def _groups(text: str) -> Iterator[tuple[Relation, ...]]:
    """A relation field: groups of alternatives."""
    for group in PkgRelation.parse_relations(text) if text.strip() else ():
        yield tuple(
            Relation(one["name"], *(one.get("version") or ())) for one in group if one.get("name")
        )
