"""Stand-in versions for a package whose releases the matrix does not list.

Specifiers cut the line of versions into stretches; one version out of each stretch is enough to
tell whether two specifiers leave anything in common.
"""

from __future__ import annotations

from collections.abc import Iterable

from packaging.version import Version

from rigspec.resolve.universe import Candidate
from rigspec.versions import parse_alternative

__all__ = ["representative_versions"]


def representative_versions(alternatives: Iterable[str]) -> tuple[Candidate, ...]:
    """One candidate for each stretch that the alternatives' bounds cut out, newest first."""
    points = {Version("0")}
    for text in alternatives:
        for specifier in parse_alternative(text).versions or ():
            bound = Version(specifier.version.removesuffix(".*"))
            points |= {bound, _just_below(bound), _just_above(bound), _past_series(bound)}
    ordered = sorted(points, reverse=True)
    return tuple(Candidate(None, str(point)) for point in ordered)


def _just_above(bound: Version) -> Version:
    return Version(f"{bound.base_version}.0.0.1")


def _past_series(bound: Version) -> Version:
    """The first version that ``==bound.*`` no longer admits."""
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
