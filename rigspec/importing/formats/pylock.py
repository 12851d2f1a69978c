"""``pylock.toml`` (PEP 751)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rigspec.importing.model import Reading, SkippedPart, SourceText, Statement, Subject
from rigspec.importing.toml_file import TomlFile, read_toml

__all__ = ["read"]


def read(source: SourceText) -> Reading:
    """Read Python and the locked versions; a package without a version is an omission."""
    file = read_toml(source)
    found = list(_parts(file, source))
    return Reading(
        tuple(part for part in found if isinstance(part, Statement)),
        tuple(part for part in found if isinstance(part, SkippedPart)),
    )


def _parts(file: TomlFile, source: SourceText) -> Iterator[Statement | SkippedPart]:
    python = file.text("requires-python")
    if python:
        yield Statement(Subject.PYTHON, python, file.span("requires-python"))
    for number, package in enumerate(file.items("packages")):
        if not isinstance(package, Mapping):
            continue
        name, version = package.get("name"), package.get("version")
        if not isinstance(name, str):
            continue
        if not isinstance(version, str) or any(k in package for k in ("vcs", "directory")):
            line = file.span("packages", number, "name").line
            yield source.omission(name, "installed from a repository or path", line)
            continue
        marker = package.get("marker")
        yield Statement(
            Subject.PACKAGE,
            f"=={version}",
            file.span("packages", number, "version"),
            name=name,
            marker=marker if isinstance(marker, str) else None,
        )
