"""Version requests as people and the matrix write them.

``1.8`` means ``==1.8.*``, ``2.4.1+cu121`` and ``2.0.0rc1`` mean that one version, ``*`` anything,
and ``>=1.5,<1.13`` what PEP 440 says. A family can precede the versions (``ubuntu >=18.04``) or
be the whole request (``gpu``); so can a build (``+cu121 >=2.1,<2.5``). The build ``+none`` is that
of a version without a local label.
"""

from __future__ import annotations

import re
from functools import cache

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from rigspec.frozen import dataclass

__all__ = [
    "NO_BUILD",
    "Alternative",
    "InvalidRequest",
    "build_of",
    "get_extras",
    "get_version_key",
    "list_extras",
    "normalize_name",
    "parse_alternative",
    "parse_specifier",
    "parse_version",
    "strip_local_version",
]

# The build of a version without a local label.
NO_BUILD = "none"

_MAX_LENGTH = 1000
_BARE = re.compile(r"[0-9]+(\.[0-9]+)*")
_STARRED = re.compile(r"([0-9]+(?:\.[0-9]+)*)\.\*")
# `===` would take any text; what no version has in it is refused.
_PLAIN = re.compile(r"[A-Za-z0-9._+!*,<>=~ -]{1,200}")
_LEADING_V = re.compile(r"(?P<operator>^|[,=<>~!]\s*)[vV](?=[0-9])")
# Extras of a Python package, in front of its versions.
_EXTRAS = re.compile(r"\[[A-Za-z0-9._,-]*\]\s*")
_BUILD = re.compile(r"\+(?P<build>[A-Za-z0-9][A-Za-z0-9.]{0,99})(?:\s+(?P<rest>\S.*))?")
_SEPARATORS = re.compile(r"[-_]")
# What people add to the name of a system's release.
_SUPPORT = re.compile(r"(?<!\s)\s+LTS$", re.IGNORECASE)
_FAMILY = re.compile(r"(?P<family>[A-Za-z][A-Za-z0-9_-]{0,99})(?:\s+(?P<rest>\S.*))?")


class InvalidRequest(ValueError):
    """The text is not a version request; the message gives the expected form."""


@dataclass(frozen=True)
class Alternative:
    """A parsed request; None means any family, any version, any build."""

    family: str | None
    versions: SpecifierSet | None
    build: str | None = None

    def admits(self, family: str | None, version: str) -> bool:
        """Return whether the request matches a release of that family and version."""
        if self.family is not None and (family or version).lower() != self.family.lower():
            return False
        if self.build is not None and build_of(version) != self.build:
            return False
        if self.versions is None:
            return True
        parsed = parse_version(version)
        return parsed is not None and self.versions.contains(parsed, prereleases=True)


def normalize_name(name: str) -> str:
    """Return the name of a Python package as PEP 503 normalizes it."""
    # `packaging.utils` imports the tags of every platform for its function of this kind.
    return re.sub(r"[-_.]+", "-", name).lower()


def parse_specifier(text: str) -> SpecifierSet | None:
    """Return a version request without a family; ``None`` means any version.

    Raises InvalidRequest.
    """
    if len(text) > _MAX_LENGTH:
        raise InvalidRequest(f"a version request has at most {_MAX_LENGTH} characters")
    text = _LEADING_V.sub(r"\g<operator>", _EXTRAS.sub("", text.strip()))
    if text == "*":
        return None
    if _BARE.fullmatch(text):
        return SpecifierSet(f"=={text}.*")
    if _STARRED.fullmatch(text):
        return SpecifierSet(f"=={text}")
    if text[:1].isdigit() and parse_version(text) is not None:
        return SpecifierSet(f"=={text}")
    try:
        specifiers = SpecifierSet(text if _PLAIN.fullmatch(text) else "")
    except InvalidSpecifier:
        specifiers = SpecifierSet()
    # `===` compares texts, and may be followed by any.
    named = all(s.operator != "===" or parse_version(s.version) for s in specifiers)
    if not len(specifiers) or not named:
        raise InvalidRequest(
            f"`{text[:80]}` is not a version or a specifier; "
            "write for example `1.8`, `>=1.8,<2` or `*`"
        )
    return specifiers


def get_extras(text: str) -> str:
    """Return the extras of a request for a package: ``[cuda13]`` of ``[cuda13]==0.8.0``."""
    match = _EXTRAS.match(text)
    return match[0].rstrip() if match is not None else ""


def list_extras(text: str) -> tuple[str, ...]:
    """Return the names of the extras of a request for a package: ``cuda13`` of ``[cuda13]==0.8``.

    They are in canonical form.
    """
    names = get_extras(text).strip("[]").split(",")
    return tuple(normalize_name(name.strip()) for name in names if name.strip())


@cache
def parse_alternative(text: str) -> Alternative:
    """Return a version request with or without a family or a build. Raises InvalidRequest."""
    text = text.strip()
    built = _BUILD.fullmatch(text)
    if built is not None:
        rest = built["rest"]
        versions = None if rest is None else parse_specifier(rest)
        return Alternative(None, versions, built["build"].lower())
    match = _FAMILY.fullmatch(text)
    if match is None or _LEADING_V.match(text):
        return Alternative(None, parse_specifier(text))
    rest = match["rest"]
    if rest is None:
        return Alternative(match["family"], None)
    return Alternative(match["family"], parse_specifier(_SUPPORT.sub("", rest)))


def build_of(version: str) -> str:
    """Return the build that a version names: ``cu121`` of ``2.4.1+cu121``, else ``none``."""
    _, _, local = version.partition("+")
    return _SEPARATORS.sub(".", local).lower() if local else NO_BUILD


def strip_local_version(version: str) -> str:
    """Return the version without its build: ``2.4.1`` of ``2.4.1+cu121``."""
    return version.partition("+")[0]


@cache
def get_version_key(version: str) -> tuple[int, Version | str]:
    """Return a sort key for versions; texts that PEP 440 does not know come first."""
    parsed = parse_version(version)
    return (0, version) if parsed is None else (1, parsed)


@cache
def parse_version(version: str) -> Version | None:
    """Return the version, or None if it does not follow PEP 440."""
    try:
        return Version(version) if len(version) <= _MAX_LENGTH else None
    except InvalidVersion:
        return None
