"""``pixi.toml``, and ``[tool.pixi]`` of ``pyproject.toml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from packaging.utils import canonicalize_name

from rigspec.importing.conda_spec import read_conda_spec
from rigspec.importing.model import (
    Indexes,
    Reading,
    SourceText,
    Statement,
    Subject,
    join_readings,
    omit,
)
from rigspec.importing.pip_requirement import (
    build_of_index,
    is_default_index,
    list_extras,
    omit_index,
)
from rigspec.importing.toml_file import TomlFile, read_toml

__all__ = ["read", "read_tables"]

_LINUX = ("linux-64", "linux", "unix")


def read(source: SourceText) -> Reading:
    """Read channels, conda and PyPI dependencies of the workspace and of the selected features."""
    return read_tables(read_toml(source), source, ())


def read_tables(file: TomlFile, source: SourceText, root: tuple[str, ...]) -> Reading:
    """Read the tables below ``root``."""
    return join_readings(_parts(file, source, root))


def _parts(file: TomlFile, source: SourceText, root: tuple[str, ...]) -> Iterator[Reading]:
    for table in ("workspace", "project"):
        path = (*root, table, "channels")
        if file.items(*path):
            yield Reading((Statement(Subject.MANAGER, "conda", file.span(*path)),))
            yield from _channels(file, path)
    yield from _dependencies(file, source, root)
    for name in file.table(*root, "feature"):
        place = (*root, "feature", name)
        key = canonicalize_name(name)
        yield Reading(optional=frozenset({("--extra", key)}))
        if key in source.extras:
            yield from _channels(file, (*place, "channels"))
            yield from _dependencies(file, source, place)
        else:
            reason = f"optional: import it with `--extra {name}`"
            line = file.span(*place, of="key").line
            yield Reading(omissions=(source.omission(name, reason, line),))
    for name in file.table(*root, "system-requirements"):
        line = file.span(*root, "system-requirements", name, of="key").line
        reason = "a requirement of the system"
        yield Reading(omissions=(source.omission(name, reason, line),))


def _channels(file: TomlFile, path: tuple[str, ...]) -> Iterator[Reading]:
    for text, span in file.strings(*path):
        yield Reading((Statement(Subject.CHANNEL, text, span),))


def _dependencies(file: TomlFile, source: SourceText, root: tuple[str, ...]) -> Iterator[Reading]:
    """Yield the dependencies of the workspace or of a feature, and those for Linux."""
    readings = list(_indexes(file, source, (*root, "pypi-options")))
    builds = [build for build, _ in readings if build is not None]
    yield from (reading for _, reading in readings)
    indexes = Indexes(extra=tuple(builds), is_uv=True)
    for place in (root, *((*root, "target", system) for system in _LINUX)):
        yield from _conda(file, (*place, "dependencies"))
        for reading in _pypi(file, source, (*place, "pypi-dependencies")):
            yield replace(reading, statements=tuple(map(indexes.apply, reading.statements)))


def _indexes(
    file: TomlFile, source: SourceText, path: tuple[str, ...]
) -> Iterator[tuple[str | None, Reading]]:
    """Yield the build of each index of the options, or the index as an omission."""
    url = file.text(*path, "index-url")
    named = [(url, file.span(*path, "index-url"))] if url is not None else []
    named += file.strings(*path, "extra-index-urls")
    for address, span in named:
        build = build_of_index(address)
        known = build is not None or is_default_index(address)
        omissions = () if known else (omit_index(address, source, span.line),)
        yield build, Reading(omissions=omissions)


def _conda(file: TomlFile, path: tuple[str, ...]) -> Iterator[Reading]:
    for name, value in file.table(*path).items():
        span = file.span(*path, name)
        table: Mapping[str, Any] = value if isinstance(value, Mapping) else {"version": value}
        version, build = table.get("version", "*"), table.get("build")
        if not isinstance(version, str):
            yield Reading(omissions=(omit(name, "not a version", span),))
            continue
        is_open = version[:1] in "<>=!~*" or version.endswith("*")
        bare = f"{'' if version[:1] in '<>=!~*' else '=' if is_open else '=='}{version}"
        if isinstance(table.get("channel"), str):
            yield Reading((Statement(Subject.CHANNEL, table["channel"], span),))
        if isinstance(build, str):
            yield read_conda_spec(f"{name} {bare} {build}", span)
        else:
            yield read_conda_spec(name if bare == "*" else f"{name}{bare}", span)


def _pypi(file: TomlFile, source: SourceText, path: tuple[str, ...]) -> Iterator[Reading]:
    for name, value in file.table(*path).items():
        span = file.span(*path, name)
        table = value if isinstance(value, Mapping) else {"version": value}
        version = table.get("version", "*")
        if not isinstance(version, str) or any(k in table for k in ("git", "path", "url")):
            reason = "installed from a repository, folder or URL"
            yield Reading(omissions=(source.omission(name, reason, span.line),))
            continue
        build = build_of_index(str(table.get("index", "")))
        extras = list_extras(table.get("extras"))
        statement = Statement(Subject.PACKAGE, version, span, name=name, build=build, extras=extras)
        yield Reading((statement,))
