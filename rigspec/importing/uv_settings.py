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
from rigspec.importing.pip_requirement import (
    build_of_index,
    is_default_index,
    read_address,
    read_requirement,
)
from rigspec.importing.toml_file import TomlFile

__all__ = ["UvSources", "read_requirements", "read_uv_settings"]

# Without a user and a password.
_INDEX = re.compile(r"https?://[A-Za-z0-9.:-]+(?:/[A-Za-z0-9._~%/-]*)?")
# What a source has instead of an index, and why the package is not imported.
_ORIGINS = {
    "git": "from a repository, but not from a commit in full",
    "path": "a folder or file of the project",
    "workspace": "a member of the project's workspace",
    "url": "installed from a URL",
}
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
    """The sources that ``[tool.uv.sources]`` assigns to packages."""

    def __init__(self, file: TomlFile, source: SourceText) -> None:
        self._file, self._source = file, source
        indexes = file.items("tool", "uv", "index")
        tables = [index for index in indexes if isinstance(index, Mapping)]
        self._addresses = {str(t.get("name")): str(t.get("url", "")) for t in tables}

    def apply(self, reading: Reading) -> Reading:
        """Return the reading with the packages from their sources; others are omissions."""
        table = self._file.table("tool", "uv", "sources")
        by_name = {canonicalize_name(name): name for name in table}
        statements: list[Statement] = []
        reasons: dict[str, str] = {}
        for statement in reading.statements:
            key = by_name.get(canonicalize_name(statement.name)) if statement.name else None
            found = self._read(statement, key, table[key]) if key is not None else [statement]
            statements += (part for part in found if isinstance(part, Statement))
            reasons |= {str(key): part for part in found if isinstance(part, str)}
        omissions = (
            self._source.omission(key, reason, self._span(key).line)
            for key, reason in reasons.items()
        )
        return replace(
            reading,
            statements=tuple(statements),
            omissions=(*reading.omissions, *omissions),
        )

    def _read(self, statement: Statement, key: str, value: Any) -> list[Statement | str]:
        """Return the package from its source, its index, and the reason why a part is lost."""
        entries = [entry for entry in self._entries(value) if self._is_selected(entry)]
        builds = {build_of_index(self._address(entry) or "") for entry in entries}
        if not entries or (len(builds) == 1 and None not in builds):
            build = next(iter(builds), None) if "+" not in statement.value else None
            return [replace(statement, build=build) if build else statement]
        replaced = [entry for entry in entries if entry.keys() & _ORIGINS.keys()]
        if len(entries) > 1:
            reason = "one of several sources, by a marker"
            return [reason] if replaced else [statement, reason]
        if not replaced:
            return self._read_index(statement, key, entries[0])
        commit = self._commit(statement, entries[0])
        if commit is not None:
            return [commit]
        return [next(reason for name, reason in _ORIGINS.items() if name in replaced[0])]

    def _read_index(
        self, statement: Statement, key: str, entry: Mapping[str, Any]
    ) -> list[Statement | str]:
        """Return the package with its index, unless that is PyPI."""
        address, index = self._address(entry), canonicalize_name(str(entry.get("index")))
        if address is None:
            return [statement, f"the file has no index `{entry.get('index')}`"]
        if is_default_index(address):
            return [statement]
        if _INDEX.fullmatch(address) is None or _INDEX_NAME.fullmatch(index) is None:
            return [statement, "its index has a password, or an address that a rig cannot have"]
        place = self._span(key)
        return [
            statement,
            Statement(Subject.INDEX, address, place, name=statement.name, index=index),
        ]

    def _entries(self, value: Any) -> Iterator[Mapping[str, Any]]:
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, Mapping) and _for_linux(entry):
                yield entry

    def _is_selected(self, entry: Mapping[str, Any]) -> bool:
        """Return whether the entry is for the extras and groups that are imported."""
        extra, group = (canonicalize_name(str(entry.get(k, ""))) for k in ("extra", "group"))
        has_extra = "extra" not in entry or extra in self._source.extras
        return has_extra and ("group" not in entry or group in self._source.groups)

    def _address(self, entry: Mapping[str, Any]) -> str | None:
        return self._addresses.get(str(entry.get("index")))

    def _span(self, key: str) -> Span:
        return self._file.span("tool", "uv", "sources", key, of="key")

    @staticmethod
    def _commit(statement: Statement, value: Mapping[str, Any]) -> Statement | None:
        """Return the package from the commit that its source names in full."""
        if not value.get("git") or not value.get("rev"):
            return None
        folder = f"#subdirectory={value['subdirectory']}" if value.get("subdirectory") else ""
        address = f"git+{value['git']}@{value['rev']}{folder}"
        reading = read_address(statement.name, address, statement.span)
        commits = [each.commit for each in reading.statements]
        return replace(statement, commit=commits[0], extras=()) if commits else None


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
