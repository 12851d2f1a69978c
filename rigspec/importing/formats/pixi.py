"""``pixi.toml``, and ``[tool.pixi]`` of ``pyproject.toml``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rigspec.importing.conda_spec import read_conda_spec
from rigspec.importing.model import Reading, SourceText, Statement, Subject, join_readings, omit
from rigspec.importing.pip_requirement import build_of_index, list_extras
from rigspec.importing.toml_file import TomlFile, read_toml

__all__ = ["read", "read_tables"]

_LINUX = ("linux-64", "linux", "unix")


def read(source: SourceText) -> Reading:
    """Read channels, conda dependencies and PyPI dependencies of the default environment."""
    return read_tables(read_toml(source), source, ())


def read_tables(file: TomlFile, source: SourceText, root: tuple[str, ...]) -> Reading:
    """Read the tables below ``root``."""
    return join_readings(_parts(file, source, root))


def _parts(file: TomlFile, source: SourceText, root: tuple[str, ...]) -> Iterator[Reading]:
    for table in ("workspace", "project"):
        path = (*root, table, "channels")
        if file.items(*path):
            yield Reading((Statement(Subject.MANAGER, "conda", file.span(*path)),))
            channels = (
                Statement(Subject.CHANNEL, text, span) for text, span in file.strings(*path)
            )
            yield Reading(tuple(channels))
    for place in (root, *((*root, "target", system) for system in _LINUX)):
        yield from _conda(file, (*place, "dependencies"))
        yield from _pypi(file, source, (*place, "pypi-dependencies"))
    for table, reason in (
        ("feature", "an optional feature"),
        ("system-requirements", "a requirement of the system"),
    ):
        for name in file.table(*root, table):
            line = file.span(*root, table, name, of="key").line
            yield Reading(omissions=(source.omission(name, reason, line),))


def _conda(file: TomlFile, path: tuple[str, ...]) -> Iterator[Reading]:
    for name, value in file.table(*path).items():
        span = file.span(*path, name)
        version: Any = value.get("version", "*") if isinstance(value, Mapping) else value
        if not isinstance(version, str):
            yield Reading(omissions=(omit(name, "not a version", span),))
            continue
        is_open = version[:1] in "<>=!~*" or version.endswith("*")
        bare = f"{'' if version[:1] in '<>=!~*' else '=' if is_open else '=='}{version}"
        reading = read_conda_spec(name if bare == "*" else f"{name}{bare}", span)
        yield reading


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
