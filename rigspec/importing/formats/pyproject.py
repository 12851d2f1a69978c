"""``pyproject.toml``: PEP 621, dependency groups, uv's sources, Poetry."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
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
    omit,
)
from rigspec.importing.optional_groups import EXTRAS, GROUPS, OptionalGroups
from rigspec.importing.pip_requirement import (
    build_of_index,
    list_extras,
    read_address,
    read_requirement,
)
from rigspec.importing.poetry_version import convert_poetry_version
from rigspec.importing.toml_file import TomlFile, read_toml

__all__ = ["read"]

_POETRY = ("tool", "poetry")
_POETRY_GROUPS = (*_POETRY, "group")
# Keys of a dependency of Poetry that name where it comes from.
_ORIGINS = ("git", "path", "url")


def read(source: SourceText) -> Reading:
    """Read the Python version, the dependencies, and the extras and groups that are selected."""
    file = read_toml(source)
    sources = _UvSources(file, source)
    parts = [
        Reading(statements=tuple(_python(file))),
        *_requirements(file, source, ("project", "dependencies")),
        *_requirements(file, source, ("tool", "uv", "constraint-dependencies"), constraint=True),
        *OptionalGroups(file, source, EXTRAS, "--extra", source.extras).read(),
        *OptionalGroups(file, source, GROUPS, "--group", source.groups).read(),
        Reading(omissions=tuple(_uv_settings(file, source))),
        *_poetry(file, source),
        read_tables(file, source, ("tool", "pixi")),
    ]
    return sources.apply(join_readings(parts))


def _python(file: TomlFile) -> Iterator[Statement]:
    text = file.text("project", "requires-python")
    if text:
        yield Statement(Subject.PYTHON, text, file.span("project", "requires-python"))


def _requirements(
    file: TomlFile, source: SourceText, path: tuple[str, ...], *, constraint: bool = False
) -> Iterator[Reading]:
    subject = Subject.CONSTRAINT if constraint else Subject.PACKAGE
    for text, span in file.strings(*path):
        yield read_requirement(text, span, source, subject=subject)


def _uv_settings(file: TomlFile, source: SourceText) -> Iterator[SkippedPart]:
    """Yield the settings of uv that decide versions."""
    overrides = ("tool", "uv", "override-dependencies")
    for text, span in file.strings(*overrides):
        yield omit(text, "an override of uv: set the version of the package", span)
    newest = ("tool", "uv", "exclude-newer")
    if file.text(*newest):
        yield omit(f"exclude-newer {file.text(*newest)}", "write it as `as_of`", file.span(*newest))


class _UvSources:
    """The index that ``[tool.uv.sources]`` assigns to a package."""

    def __init__(self, file: TomlFile, source: SourceText) -> None:
        self._file, self._source = file, source
        indexes = file.items("tool", "uv", "index")
        tables = [index for index in indexes if isinstance(index, Mapping)]
        self._addresses = {str(t.get("name")): str(t.get("url", "")) for t in tables}

    def apply(self, reading: Reading) -> Reading:
        """Return the reading with the builds of the indexes, and without other sources."""
        table = self._file.table("tool", "uv", "sources")
        by_name = {canonicalize_name(name): name for name in table}
        statements, omissions = [], list(reading.omissions)
        for statement in reading.statements:
            key = by_name.get(canonicalize_name(statement.name)) if statement.name else None
            if key is None:
                statements.append(statement)
                continue
            builds = self._builds(table[key])
            if len(builds) == 1 and "+" not in statement.value:
                statements.append(replace(statement, build=builds.pop()))
                continue
            commit = self._commit(statement, table[key])
            if commit is not None:
                statements.append(commit)
                continue
            line = self._file.span("tool", "uv", "sources", key, of="key").line
            reason = "its source in [tool.uv.sources] is not imported"
            omissions.append(self._source.omission(statement.name, reason, line))
            if not self._is_replaced(table[key]):
                statements.append(statement)
        return replace(reading, statements=tuple(statements), omissions=tuple(omissions))

    @staticmethod
    def _commit(statement: Statement, value: Any) -> Statement | None:
        """Return the package from the commit that its source names in full."""
        if not isinstance(value, Mapping) or not value.get("git") or not value.get("rev"):
            return None
        folder = f"#subdirectory={value['subdirectory']}" if value.get("subdirectory") else ""
        address = f"git+{value['git']}@{value['rev']}{folder}"
        reading = read_address(statement.name, address, statement.span)
        commits = [each.commit for each in reading.statements]
        return replace(statement, commit=commits[0], extras=()) if commits else None

    def _builds(self, value: Any) -> set[str]:
        """Return the builds of the indexes that apply on Linux."""
        entries = value if isinstance(value, list) else [value]
        found = set()
        for entry in entries:
            if not isinstance(entry, Mapping) or "extra" in entry or not _for_linux(entry):
                continue
            build = build_of_index(self._addresses.get(str(entry.get("index")), ""))
            if build is not None:
                found.add(build)
        return found

    @staticmethod
    def _is_replaced(value: Any) -> bool:
        """Return whether the package itself comes from a repository, folder or file."""
        entries = value if isinstance(value, list) else [value]
        return any(isinstance(e, Mapping) and e.keys() & {"git", "path", "url"} for e in entries)


def _for_linux(entry: Mapping[str, Any]) -> bool:
    from rigspec.importing.markers import applies_on_linux

    marker = entry.get("marker")
    return not isinstance(marker, str) or applies_on_linux(marker, None) is not False


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
