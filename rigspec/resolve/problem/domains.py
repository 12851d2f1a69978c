"""The releases a component can take, as bits of an integer: cheap sets."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from typing import NamedTuple

from packaging.specifiers import Specifier
from packaging.version import InvalidVersion, Version

from rigspec.version_specifiers import (
    NO_BUILD,
    Alternative,
    build_of,
    parse_alternative,
    parse_version,
    strip_local_version,
)

__all__ = ["Candidate", "CandidateDomain", "choose_representative_versions"]

# Version numbers shorter than this are padded with zeros when prefixes are looked up: `8` is 8.0.
_PADDED = 3


class Candidate(NamedTuple):
    """One release that a component can take."""

    family: str | None
    version: str

    @property
    def label(self) -> str:
        """Return the release as people write it: ``ubuntu 16.04`` or ``9.0.176``."""
        return f"{self.family} {self.version}" if self.family else self.version

    @property
    def exactly(self) -> str:
        """Return the request that matches this release only, or its word."""
        if self.family is None and not self.version[:1].isdigit():
            return self.version
        return f"{self.family} =={self.version}" if self.family else f"=={self.version}"


class CandidateDomain:
    """Ordered candidates of a component, most preferred first; subsets are bit masks.

    Bit ``i`` is ``candidates[i]``. Results are cached: a domain is built once
    for each product and used by every spec.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        on_request: Container[Candidate] = (),
        name_build: Callable[[str], tuple[str, ...]] = lambda build: (build,),
    ) -> None:
        self.candidates = tuple(candidates)
        # Candidates that a repair offers only if there is no other.
        self.on_request = on_request
        self.all = (1 << len(self.candidates)) - 1
        self._bits = {candidate: 1 << i for i, candidate in enumerate(self.candidates)}
        # All names by which a request can call a build.
        self._name_build = name_build
        # Orders of the candidates of a domain, by distance from those that a line admits.
        self.orders: dict[tuple[int, int, bool], tuple[Candidate, ...]] = {}
        self._known: dict[tuple[str, ...], int] = {}
        self._families: dict[str, int] = {}
        self._builds: dict[str, int] = {}
        self._exact: dict[Version, int] = {}
        self._prefixes: dict[tuple[int, ...], int] = {}
        self._sorted: list[Version] = []
        self._below: list[int] = [0]
        self._index()

    def mask(self, alternatives: tuple[str, ...]) -> int:
        """Return the candidates that any of the alternatives matches. Raises InvalidRequest."""
        known = self._known.get(alternatives)
        if known is None:
            known = 0
            for text in alternatives:
                known |= self._alternative(text)
            self._known[alternatives] = known
        return known

    def admits(self, alternatives: tuple[str, ...], candidate: Candidate) -> bool:
        """Return whether the alternatives match this candidate. Raises KeyError."""
        return bool(self.mask(alternatives) & self._bits[candidate])

    def bit(self, candidate: Candidate) -> int:
        """Return the mask of this one candidate. Raises KeyError."""
        return self._bits[candidate]

    def members(self, mask: int) -> Iterator[Candidate]:
        """Yield the candidates of a mask, most preferred first."""
        while mask:
            lowest = mask & -mask
            yield self.candidates[lowest.bit_length() - 1]
            mask ^= lowest

    def _index(self) -> None:
        dated = []
        for index, candidate in enumerate(self.candidates):
            bit = 1 << index
            name = (candidate.family or candidate.version).lower()
            self._families[name] = self._families.get(name, 0) | bit
            for build in self._name_build(build_of(candidate.version)):
                self._builds[build] = self._builds.get(build, 0) | bit
            version = parse_version(strip_local_version(candidate.version))
            if version is None:
                continue
            dated.append((version, bit))
            self._exact[version] = self._exact.get(version, 0) | bit
            release = version.release + (0,) * (_PADDED - len(version.release))
            for length in range(1, len(release) + 1):
                prefix = release[:length]
                self._prefixes[prefix] = self._prefixes.get(prefix, 0) | bit
        for public, bit in sorted(dated, key=lambda pair: pair[0]):
            self._sorted.append(public)
            self._below.append(self._below[-1] | bit)

    def _alternative(self, text: str) -> int:
        alternative = parse_alternative(text)
        found = self.all
        if alternative.family is not None:
            found = self._families.get(alternative.family.lower(), 0)
        if alternative.build is not None:
            found &= self._builds.get(alternative.build, 0)
        for specifier in alternative.versions or ():
            found &= self._specifier(specifier)
        return found

    def _specifier(self, specifier: Specifier) -> int:
        """Return the mask of one clause, by search where PEP 440 orders it, else one by one."""
        operator, text = specifier.operator, specifier.version
        if operator == "==" and text.endswith(".*"):
            prefix = Version(text[:-2]).release
            # A shorter version has zeros where this prefix has another number.
            if len(prefix) <= _PADDED or prefix[-1]:
                return self._prefixes.get(prefix, 0)
        elif operator == "==":
            found = self._exact.get(Version(strip_local_version(text)), 0)
            return found & self._builds.get(build_of(text), 0) if "+" in text else found
        elif operator in (">=", "<="):
            bound = Version(text)
            if operator == ">=":
                return self._below[-1] & ~self._below[bisect_left(self._sorted, bound)]
            return self._below[bisect_right(self._sorted, bound)]
        elif operator == "<" and not Version(text).is_prerelease:
            # What leads to a release (2.0rc1) is not below it in PEP 440's sense.
            bound = Version(f"{text}.dev0")
            return self._below[bisect_left(self._sorted, bound)]
        return self._one_by_one(specifier)

    def _one_by_one(self, specifier: Specifier) -> int:
        found = 0
        for index, candidate in enumerate(self.candidates):
            try:
                inside = specifier.contains(candidate.version, prereleases=True)
            except InvalidVersion:
                inside = False
            found |= inside << index
        return found


def choose_representative_versions(
    alternatives: Iterable[str], builds: Iterable[str] = ()
) -> tuple[Candidate, ...]:
    """Return one candidate for each range between the alternatives' bounds, newest first.

    Each is a version without a build and with each of ``builds``.
    """
    points = {Version("0")}
    for text in alternatives:
        alternative = parse_alternative(text)
        if alternative.build not in (None, NO_BUILD):
            points |= {Version(f"{base}+{alternative.build}") for base in _bases(alternative)}
        for specifier in alternative.versions or ():
            bound = Version(specifier.version.removesuffix(".*"))
            points |= {bound, _just_below(bound), _just_above(bound), _past_series(bound)}
    plain = [point for point in points if point.local is None]
    points |= {Version(f"{point}+{build}") for build in builds for point in plain}
    ordered = sorted(points, reverse=True)
    return tuple(Candidate(None, str(point)) for point in ordered)


def _bases(alternative: Alternative) -> list[str]:
    """Return the versions that a request for a build names, or any one."""
    return [s.version.removesuffix(".*") for s in alternative.versions or ()] or ["0"]


def _just_above(bound: Version) -> Version:
    return Version(f"{bound.base_version}.0.0.1")


def _past_series(bound: Version) -> Version:
    """Return the first version that ``==bound.*`` no longer admits."""
    *head, last = bound.release
    return Version(".".join(str(part) for part in (*head, last + 1)))


def _just_below(bound: Version) -> Version:
    parts = list(bound.release)
    while parts and parts[-1] == 0:
        parts.pop()
    if not parts:
        return Version("0")
    parts[-1] -= 1
    return Version(".".join(str(part) for part in (*parts, 99999)))
