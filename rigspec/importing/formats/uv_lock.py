"""``uv.lock``: the locked packages that apply on Linux."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rigspec.importing.markers import applies_on_linux
from rigspec.importing.model import Reading, SkippedPart, SourceText, Statement, Subject
from rigspec.importing.toml_file import TomlFile, read_toml

__all__ = ["read"]

# Keys of a source that is the project itself, or a part of it.
_OWN = ("editable", "virtual", "directory")


def read(source: SourceText) -> Reading:
    """Read Python and the locked versions; a package of a repository or URL is an omission."""
    file = read_toml(source)
    statements = []
    python = file.text("requires-python")
    if python:
        statements.append(Statement(Subject.PYTHON, python, file.span("requires-python")))
    omissions: list[SkippedPart] = []
    by_name: dict[str, list[Statement]] = {}
    for number, package in enumerate(file.items("package")):
        if not isinstance(package, Mapping) or not _is_for_linux(package, python):
            continue
        for part in _package(file, source, number, package):
            if isinstance(part, SkippedPart):
                omissions.append(part)
            else:
                by_name.setdefault(part.name, []).append(part)
    for name, found in by_name.items():
        if len({each.value for each in found}) == 1:
            statements.append(found[0])
            continue
        versions = ", ".join(each.value.removeprefix("==") for each in found)
        reason = f"several versions apply on Linux: {versions}"
        omissions.append(source.omission(name, reason, found[0].span.line))
    return Reading(tuple(statements), tuple(omissions))


def _is_for_linux(package: Mapping[str, Any], python: str | None) -> bool:
    """Return whether one of the resolution markers may be true."""
    markers = package.get("resolution-markers")
    if not isinstance(markers, list):
        return True
    return any(
        isinstance(marker, str) and applies_on_linux(marker, python) is not False
        for marker in markers
    )


def _package(
    file: TomlFile, source: SourceText, number: int, package: Mapping[str, Any]
) -> Iterator[Statement | SkippedPart]:
    name, version = package.get("name"), package.get("version")
    origin = package.get("source")
    origin = origin if isinstance(origin, Mapping) else {}
    if not isinstance(name, str) or any(key in origin for key in _OWN):
        return
    line = file.span("package", number, "name").line
    if not isinstance(version, str) or "registry" not in origin:
        yield source.omission(name, "installed from a repository, URL or path", line)
        return
    span = file.span("package", number, "version")
    yield Statement(Subject.PACKAGE, f"=={version}", span, name=name)
