"""``pyproject.toml``: PEP 621, dependency groups, uv's sources, Poetry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from packaging.utils import canonicalize_name

from rigspec.importing.formats.pixi import read_tables
from rigspec.importing.model import (
    Reading,
    SkippedPart,
    SourceText,
    Statement,
    Subject,
    join_readings,
)
from rigspec.importing.optional_groups import EXTRAS, GROUPS, OptionalGroups
from rigspec.importing.pip_requirement import (
    build_of_index,
    list_extras,
)
from rigspec.importing.poetry_version import convert_poetry_version
from rigspec.importing.toml_file import TomlFile, read_toml
from rigspec.importing.uv_settings import UvSources, read_requirements, read_uv_settings

__all__ = ["read"]

_POETRY = ("tool", "poetry")
_POETRY_GROUPS = (*_POETRY, "group")
# Keys of a dependency of Poetry that name where it comes from.
_ORIGINS = ("git", "path", "url")


def read(source: SourceText) -> Reading:
    """Read the Python version, the dependencies, and the extras and groups that are selected."""
    file = read_toml(source)
    sources = UvSources(file, source)
    parts = [
        Reading(statements=tuple(_python(file))),
        *read_requirements(file, source, ("project", "dependencies")),
        *OptionalGroups(file, source, EXTRAS, "--extra", source.extras).read(),
        *OptionalGroups(file, source, GROUPS, "--group", source.groups).read(),
        *read_uv_settings(file, source),
        *_poetry(file, source),
        read_tables(file, source, ("tool", "pixi")),
    ]
    return sources.apply(join_readings(parts))


def _python(file: TomlFile) -> Iterator[Statement]:
    text = file.text("project", "requires-python")
    if text:
        yield Statement(Subject.PYTHON, text, file.span("project", "requires-python"))


def _poetry(file: TomlFile, source: SourceText) -> Iterator[Reading]:
    builds = {
        str(entry.get("name")): build_of_index(str(entry.get("url", "")))
        for entry in file.items(*_POETRY, "source")
        if isinstance(entry, Mapping)
    }
    for table in _poetry_tables(file, source):
        for name, value in file.table(*table).items():
            yield _poetry_dependency(file, source, (*table, name), value, builds)
    names = map(canonicalize_name, file.table(*_POETRY_GROUPS))
    omitted = tuple(_omit_poetry_parts(file, source))
    yield Reading(omissions=omitted, optional=frozenset(("--group", name) for name in names))


def _poetry_tables(file: TomlFile, source: SourceText) -> Iterator[tuple[str, ...]]:
    """Yield the tables with dependencies: the main one, and those of the selected groups."""
    yield (*_POETRY, "dependencies")
    for name in file.table(*_POETRY_GROUPS):
        if canonicalize_name(name) in source.groups:
            yield (*_POETRY_GROUPS, name, "dependencies")


def _omit_poetry_parts(file: TomlFile, source: SourceText) -> Iterator[SkippedPart]:
    for name in file.table(*_POETRY_GROUPS):
        if canonicalize_name(name) not in source.groups:
            line = file.span(*_POETRY_GROUPS, name, of="key").line
            yield source.omission(name, f"optional: import it with `--group {name}`", line)
    for name in file.table(*_POETRY, "extras"):
        line = file.span(*_POETRY, "extras", name, of="key").line
        yield source.omission(name, "an optional extra", line)


def _poetry_dependency(
    file: TomlFile,
    source: SourceText,
    path: tuple[str, ...],
    value: Any,
    builds: Mapping[str, str | None],
) -> Reading:
    name, line = path[-1], file.span(*path, of="key").line
    table = value if isinstance(value, Mapping) else {"version": value}
    text = table.get("version", "*")
    if not isinstance(text, str) or any(key in table for key in _ORIGINS):
        reason = "several versions, or a repository, folder or URL"
        return Reading(omissions=(source.omission(name, reason, line),))
    if table.get("optional"):
        return Reading(omissions=(source.omission(name, "an optional dependency", line),))
    specifier = convert_poetry_version(text)
    if specifier is None:
        reason = f"the version `{text}` is not one range"
        return Reading(omissions=(source.omission(name, reason, line),))
    keys = (*path, "version") if isinstance(value, Mapping) and "version" in table else path
    span = file.span(*keys)
    if name == "python":
        return Reading((Statement(Subject.PYTHON, specifier, span),))
    marker = table.get("markers")
    statement = Statement(
        Subject.PACKAGE,
        specifier,
        span,
        name=name,
        build=builds.get(str(table.get("source"))),
        marker=marker if isinstance(marker, str) else None,
        extras=list_extras(table.get("extras")),
    )
    return Reading((statement,))
