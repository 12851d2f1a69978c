"""Version requests as people and the matrix write them.

``1.8`` means ``==1.8.*``, ``*`` anything, ``>=1.5,<1.13`` what PEP 440 says it means. A family
may stand in front (``ubuntu >=18.04``) or alone (``gpu``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

__all__ = ["Alternative", "InvalidRequest", "parse_alternative", "parse_specifier", "version_key"]

_BARE = re.compile(r"[0-9]+(\.[0-9]+)*")
_STARRED = re.compile(r"([0-9]+(?:\.[0-9]+)*)\.\*")
# `===` would take any text; what no version has in it is refused.
_PLAIN = re.compile(r"[A-Za-z0-9._+!*,<>=~ -]{1,200}")
_FAMILY = re.compile(r"(?P<family>[A-Za-z][A-Za-z0-9_-]{0,99})(?:\s+(?P<rest>\S.*))?")


class InvalidRequest(ValueError):
    """The text is not a version request; the message gives the expected form."""


@dataclass(frozen=True)
class Alternative:
    """A parsed request: any family where ``family`` is None, any version where ``versions`` is."""

    family: str | None
    versions: SpecifierSet | None

    def admits(self, family: str | None, version: str) -> bool:
        """Return whether the request matches a release of that family and version."""
        if self.family is not None and (family or version).lower() != self.family.lower():
            return False
        if self.versions is None:
            return True
        parsed = _parse_or_none(version)
        return parsed is not None and self.versions.contains(parsed, prereleases=True)


def parse_specifier(text: str) -> SpecifierSet | None:
    """Return a version request without a family; ``None`` means any version.

    Raises InvalidRequest.
    """
    text = text.strip()
    if text == "*":
        return None
    if _BARE.fullmatch(text):
        return SpecifierSet(f"=={text}.*")
    if _STARRED.fullmatch(text):
        return SpecifierSet(f"=={text}")
    try:
        specifiers = SpecifierSet(text if _PLAIN.fullmatch(text) else "")
    except InvalidSpecifier:
        specifiers = SpecifierSet()
    if not len(specifiers):
        raise InvalidRequest(
            f"`{text[:80]}` is not a version or a specifier; "
            "write for example `1.8`, `>=1.8,<2` or `*`"
        )
    return specifiers


@cache
def parse_alternative(text: str) -> Alternative:
    """Return a version request with or without a family in front. Raises InvalidRequest."""
    match = _FAMILY.fullmatch(text.strip())
    if match is None:
        return Alternative(None, parse_specifier(text))
    rest = match["rest"]
    return Alternative(match["family"], None if rest is None else parse_specifier(rest))


@cache
def version_key(version: str) -> tuple[int, Version | str]:
    """Return a sort key for versions; texts that PEP 440 does not know come first."""
    parsed = _parse_or_none(version)
    return (0, version) if parsed is None else (1, parsed)


@cache
def _parse_or_none(version: str) -> Version | None:
    try:
        return Version(version)
    except InvalidVersion:
        return None
