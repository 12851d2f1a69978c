"""Whole requirements as values of packages: ``torch==2.8.0; python_version < "3.13"``.

A value becomes the version request that it contains, with the extras in front: ``[cuda13]==0.8.0``,
or the repository and the commit of an address ``git+https://…@COMMIT``.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from rigspec.version_specifiers import normalize_name

__all__ = ["read_requirement_strings"]

# A name, extras, a marker or an address; `v2.0` is a version.
_WHOLE = re.compile(r"[\[;@]|://|^(?![vV][0-9])[A-Za-z]")
# An address of pip for a commit of a repository, in full.
_COMMIT = re.compile(
    r"git\+(?P<git>https://[^@#]+)@(?P<rev>[0-9a-f]{40})"
    r"(?:#(?:egg=[^&]*&?)?(?:subdirectory=(?P<subdirectory>[^&]+))?)?"
)
_PYTHONS = ("2.7", *(f"3.{minor}" for minor in range(4, 20)))
_LINUX = {"os_name": "posix", "sys_platform": "linux", "platform_system": "Linux"}


def read_requirement_strings(value: Any) -> Any:
    """Return a table of packages with the version request of each requirement.

    What cannot be read stays as it is, and is not a valid version.
    """
    if not isinstance(value, dict):
        return value
    return {
        name: _read(name, request)
        if isinstance(name, str) and isinstance(request, str) and _WHOLE.search(request)
        else request
        for name, request in value.items()
    }


def _read(name: str, text: str) -> str | dict[str, str]:
    # Imported here: most values are versions.
    from packaging.requirements import InvalidRequirement, Requirement

    whole = text if text[:1].isalpha() else name + text
    if re.match(r"[a-z+]+://", text):
        whole = f"{name} @ {text}"
    try:
        requirement = Requirement(whole)
    except InvalidRequirement:
        return text
    if normalize_name(requirement.name) != normalize_name(name):
        return text
    if requirement.marker is not None and not _applies(requirement.marker):
        return text
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    if requirement.url is None:
        return f"{extras}{requirement.specifier or '*'}"
    commit = _COMMIT.fullmatch(requirement.url)
    if commit is not None:
        return {key: value for key, value in commit.groupdict().items() if value is not None}
    version = _read_wheel(name, requirement.url)
    return f"{extras}=={version}" if version is not None else text


def _applies(marker: Any) -> bool:
    """Return whether a marker is true on Linux with any Python."""
    return any(
        marker.evaluate({**_LINUX, "python_version": series, "python_full_version": f"{series}.0"})
        for series in _PYTHONS
    )


def _read_wheel(name: str, address: str) -> str | None:
    """Return the version in the name of a wheel, with its build."""
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        found, version, _, _ = parse_wheel_filename(
            unquote(urlsplit(address).path.rpartition("/")[2])
        )
    except InvalidWheelFilename:
        return None
    return str(version) if found == normalize_name(name) else None
