"""Requirements of a project or a script, with the tables of uv about them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from packaging.utils import canonicalize_name

from rigspec.diagnostics.model import Span
from rigspec.importing.markers import applies_on_linux
from rigspec.importing.model import Reading, SkippedPart, SourceText, Statement, Subject, omit
from rigspec.importing.pip_requirement import build_of_index, read_address, read_requirement
from rigspec.importing.toml_file import TomlFile

__all__ = ["UvSources", "read_requirements", "read_uv_settings"]

# Without a user and a password.
_INDEX = re.compile(r"https?://[A-Za-z0-9.:-]+(?:/[A-Za-z0-9._~%/-]*)?")
_INDEX_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
_DATE = re.compile(r"(?P<date>\d{4}-\d{2}-\d{2})")
_MIDNIGHT = re.compile(rf"{_DATE.pattern}[Tt ]00:00:00(?:\.0+)?(?:[Zz]|[+-]00:00)")


def read_requirements(
    file: TomlFile, source: SourceText, path: tuple[str, ...], *, constraint: bool = False
) -> Iterator[Reading]:
    """Yield the requirements of an array, or the constraints."""
    subject = Subject.CONSTRAINT if constraint else Subject.PACKAGE
    for text, span in file.strings(*path):
        yield read_requirement(text, span, source, subject=subject)


def read_uv_settings(file: TomlFile, source: SourceText) -> Iterator[Reading]:
    """Yield the constraints of uv, and as omissions its other settings that decide versions."""
    yield from read_requirements(
        file, source, ("tool", "uv", "constraint-dependencies"), constraint=True
    )
    yield Reading(omissions=tuple(_omit_settings(file)))
    yield _read_newest(file)


class UvSources:
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
            line = self._file.span("tool", "uv", "sources", key, of="key")
            index = self._index(statement, table[key], line)
            if index is not None:
                statements += [statement, index]
                continue
            commit = self._commit(statement, table[key])
            if commit is not None:
                statements.append(commit)
                continue
            reason = "its source in [tool.uv.sources] is not imported"
            omissions.append(self._source.omission(statement.name, reason, line.line))
            if not self._is_replaced(table[key]):
                statements.append(statement)
        return replace(reading, statements=tuple(statements), omissions=tuple(omissions))

    def _index(self, statement: Statement, value: Any, span: Span) -> Statement | None:
        """Return the one index that a package comes from; None if its address has a password."""
        name = value.get("index") if isinstance(value, Mapping) else None
        if not isinstance(name, str) or value.keys() != {"index"}:
            return None
        address, index = self._addresses.get(name, ""), canonicalize_name(name)
        if _INDEX.fullmatch(address) is None or _INDEX_NAME.fullmatch(index) is None:
            return None
        return Statement(Subject.INDEX, address, span, name=statement.name, index=index)

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


def _omit_settings(file: TomlFile) -> Iterator[SkippedPart]:
    overrides = ("tool", "uv", "override-dependencies")
    for text, span in file.strings(*overrides):
        yield omit(text, "an override of uv: set the version of the package", span)


def _read_newest(file: TomlFile) -> Reading:
    """Return the day of the newest packages; an omission where uv does not count whole days."""
    path = ("tool", "uv", "exclude-newer")
    text = file.text(*path)
    if not text:
        return Reading()
    day = _find_day(text)
    if day is not None:
        return Reading((Statement(Subject.AS_OF, day.isoformat(), file.span(*path)),))
    reason = "`as_of` is a whole day: write the one that you mean"
    return Reading(omissions=(omit(f"exclude-newer {text}", reason, file.span(*path)),))


def _find_day(text: str) -> dt.date | None:
    """Return the last day before a limit of uv; None if the limit is not at the end of one.

    uv takes a date with all its releases, and a time without those at it or later.
    """
    if match := _DATE.fullmatch(text):
        return _parse_date(match["date"])
    if match := _MIDNIGHT.fullmatch(text):
        day = _parse_date(match["date"])
        return day - dt.timedelta(days=1) if day is not None else None
    return None


def _parse_date(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _for_linux(entry: Mapping[str, Any]) -> bool:
    marker = entry.get("marker")
    return not isinstance(marker, str) or applies_on_linux(marker, None) is not False
