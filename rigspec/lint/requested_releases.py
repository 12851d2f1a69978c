"""Releases that a request for a package admits, where no release is chosen yet."""

from __future__ import annotations

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from rigspec.version_specifiers import get_extras, parse_alternative

__all__ = ["describe_request", "includes_newest"]

_UPPER_OPERATORS = frozenset({"<", "<=", "==", "~="})


def describe_request(request: str) -> str:
    """Return a request without its extras, to follow the name of a package."""
    versions = request[len(get_extras(request)) :].strip()
    return "(newest)" if versions in ("", "*") else versions


def includes_newest(versions: str, request: str) -> bool:
    """Return whether these versions include the newest release that a request admits."""
    newest = _find_newest(parse_alternative(request).versions)
    if newest is not None:
        return parse_alternative(versions).admits(None, newest)
    bounds = parse_alternative(versions).versions or ()
    return all(specifier.operator not in _UPPER_OPERATORS for specifier in bounds)


def _find_newest(versions: SpecifierSet | None) -> str | None:
    """Return a version about as new as the newest that a range admits; None without an end."""
    ends = [
        f"{specifier.version}.dev0" if specifier.operator == "<" else specifier.version
        for specifier in versions or ()
        if specifier.operator in _UPPER_OPERATORS
    ]
    return min((end.removesuffix(".*") for end in ends), key=Version, default=None)
