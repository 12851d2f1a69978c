"""Requirements as pip reads them: one requirement, and the index that it comes from."""

from __future__ import annotations

import re
from urllib.parse import unquote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion

from rigspec.diagnostics.model import Span
from rigspec.importing.model import Reading, SkippedPart, SourceText, Statement, Subject, omit

__all__ = [
    "build_of_index",
    "build_requirement_pattern",
    "is_default_index",
    "list_extras",
    "omit_index",
    "read_address",
    "read_requirement",
    "read_wheel",
]

# PyTorch's indexes, and the folders of their mirrors: …/whl/cu121, …/whl/nightly/cu126.
_BUILD_INDEX = re.compile(
    r"/whl/(?P<build>cu[0-9]{2,4}|cpu|rocm[0-9.]+)/?(?:torch_stable\.html)?/?$"
)
# An address of pip for a commit of a repository, and the folder of the package in it.
_COMMIT = re.compile(
    r"(?P<address>git\+https://[^@#\s]+@[0-9a-f]{40})(?:#(?:egg=[^&]*&?)?(?P<folder>subdirectory=[^&\s]+)?)?"
)
_EXTRAS = re.compile(r"\s*(?P<extras>\[[^\]]*\])?")
_EXTRA = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_FILES_OF_PYPI = "https://files.pythonhosted.org/"
_DEFAULT_INDEX = re.compile(r"https?://(?:pypi\.org|pypi\.python\.org)/")


def build_of_index(address: str) -> str | None:
    """Return the build that the address of an index names: ``cu121``."""
    match = _BUILD_INDEX.search(address)
    return match["build"] if match is not None else None


def is_default_index(address: str) -> bool:
    """Return whether the address is that of PyPI."""
    return _DEFAULT_INDEX.match(address) is not None


def omit_index(address: str, source: SourceText, line: int) -> SkippedPart:
    """Return the omission of an index whose packages are unknown, without its password."""
    name = address.rpartition("@")[2].removeprefix("https://")
    return source.omission(name, "the packages of this index are unknown", line)


def read_requirement(
    text: str,
    span: Span,
    source: SourceText,
    *,
    build: str | None = None,
    subject: Subject = Subject.PACKAGE,
) -> Reading:
    """Read a requirement of PEP 508; ``build`` is that of its index."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        return Reading(omissions=(omit(text, f"cannot be read: {reason}", span),))
    if requirement.url is not None:
        marker = str(requirement.marker) if requirement.marker is not None else None
        return read_address(requirement.name, requirement.url, span, marker=marker)
    specifier = str(requirement.specifier)
    statement = Statement(
        subject,
        specifier or "*",
        span,
        name=requirement.name,
        build=build if "+" not in specifier else None,
        marker=str(requirement.marker) if requirement.marker is not None else None,
        pattern=build_requirement_pattern(text, requirement.name),
        extras=tuple(sorted(requirement.extras)),
    )
    return Reading((statement,))


def read_address(name: str, address: str, span: Span, *, marker: str | None = None) -> Reading:
    """Read a package from an address: a commit in full, or a wheel of a known index.

    Another address is an omission.
    """
    commit = _COMMIT.fullmatch(address)
    wheel = read_wheel(address, span, marker=marker)
    if wheel is not None and canonicalize_name(wheel.name) == canonicalize_name(name):
        return Reading((wheel,))
    if commit is None:
        reason = "installed from a URL"
        if address.startswith("git+"):
            reason = "from a repository, but not from a commit in full"
        return Reading(omissions=(omit(f"{name} @ {address}", reason, span),))
    written = commit["address"] + (f"#{commit['folder']}" if commit["folder"] else "")
    return Reading(
        (Statement(Subject.PACKAGE, "*", span, name=name, marker=marker, commit=written),)
    )


def read_wheel(address: str, span: Span, *, marker: str | None = None) -> Statement | None:
    """Return the release of a wheel of PyTorch's index or of PyPI; None for another address."""
    folder, _, file = address.partition("#")[0].rpartition("/")
    build = build_of_index(folder)
    if build is None and not folder.startswith(_FILES_OF_PYPI):
        return None
    try:
        name, version, _, _ = parse_wheel_filename(unquote(file))
    except (InvalidWheelFilename, InvalidVersion):
        return None
    return Statement(
        Subject.PACKAGE,
        f"=={version}",
        span,
        name=name,
        build=build if version.local is None else None,
        marker=marker,
    )


def list_extras(value: object) -> tuple[str, ...]:
    """Return the extras in an array of a TOML file, sorted."""
    items = value if isinstance(value, list) else []
    return tuple(sorted({e for e in items if isinstance(e, str) and _EXTRA.fullmatch(e)}))


def build_requirement_pattern(text: str, name: str) -> str:
    """Return the requirement with ``{}`` for its versions; extras and marker stay."""
    match = _EXTRAS.match(text, len(name)) if text.startswith(name) else None
    extras = (match["extras"] or "") if match is not None else ""
    _, separator, marker = text.partition(";")
    return f"{name}{extras}{{}}" + (f" ;{marker}" if separator else "")
