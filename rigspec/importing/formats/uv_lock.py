"""``uv.lock``: the locked packages that the project installs on Linux."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlsplit

from packaging.utils import canonicalize_name

from rigspec.importing.markers import applies_on_linux, list_pythons
from rigspec.importing.model import Reading, SkippedPart, SourceText, Statement, Subject
from rigspec.importing.pip_requirement import read_address
from rigspec.importing.toml_file import TomlFile, read_toml

__all__ = ["read"]

# Keys of a source that is the project itself, or a part of it.
_OWN = ("editable", "virtual", "directory")
_EXTRA = re.compile(r"extra\s*(?P<operator>==|!=)\s*'(?P<name>[^']*)'")
# The tables with the optional requirements of the project, and the options that select them.
_OPTIONAL = {
    "optional-dependencies": ("--extra", "extra"),
    "dev-dependencies": ("--group", "group"),
}


def read(source: SourceText) -> Reading:
    """Read Python and the versions of the project's requirements, and of theirs."""
    file = read_toml(source)
    lock = _Lock(file, source)
    statements = []
    python = file.text("requires-python")
    if python:
        statements.append(Statement(Subject.PYTHON, python, file.span("requires-python")))
    omissions = list(lock.omit_optional())
    by_name: dict[str, list[Statement]] = {}
    numbers: dict[str, list[int]] = {}
    for number in lock.find_installed():
        part = _read_package(file, source, number, lock.packages[number])
        if isinstance(part, SkippedPart):
            omissions.append(part)
        elif part is not None:
            by_name.setdefault(part.name, []).append(part)
            numbers.setdefault(part.name, []).append(number)
    for name, found in by_name.items():
        if len({each.request for each in found}) == 1:
            statements.append(found[0])
            continue
        markers = lock.list_markers(numbers[name])
        if markers is not None:
            pairs = zip(found, markers, strict=True)
            statements += (replace(each, marker=marker) for each, marker in pairs if marker)
            continue
        versions = ", ".join(each.request.removeprefix("==") for each in found)
        reason = f"several versions apply on Linux: {versions}"
        omissions.append(source.omission(name, reason, found[0].span.line))
    return Reading(tuple(statements), tuple(omissions), optional=lock.list_optional())


class _Lock:
    """The packages of a lock, and the requirements between them."""

    def __init__(self, file: TomlFile, source: SourceText) -> None:
        self._file, self._source = file, source
        self._python = file.text("requires-python")
        items = file.items("package")
        self.packages = [item if isinstance(item, Mapping) else {} for item in items]
        # By name, and by name and version.
        self._by_name: dict[tuple[str, str], list[int]] = {}
        for number, package in enumerate(self.packages):
            name, version = str(package.get("name")), str(package.get("version", ""))
            for key in {(name, ""), (name, version)}:
                self._by_name.setdefault(key, []).append(number)
        self._followed: set[tuple[str, ...]] = set()
        self._applies: dict[tuple[str, str | None], bool] = {}

    @cached_property
    def _roots(self) -> Sequence[int]:
        """The project, else the members of the workspace."""
        own = [n for n, package in enumerate(self.packages) if _is_own(package)]
        top = [n for n in own if "." in _get_table(self.packages[n], "source").values()]
        return top or own

    def find_installed(self) -> Sequence[int]:
        """Return the numbers of the packages that the project installs, in order.

        A lock of no project, such as that of a script, has all its packages.
        """
        if not self._roots:
            return [n for n, package in enumerate(self.packages) if self._is_for_linux(package)]
        todo: list[tuple[int, str]] = [(root, "") for root in self._roots]
        seen = set(todo)
        while todo:
            number, extra = todo.pop()
            for requirement in self._list_requirements(number, extra):
                for key in self._find_targets(requirement):
                    if key not in seen:
                        seen.add(key)
                        todo.append(key)
        found = {number for number, _ in seen}
        return sorted(n for n in found if self._is_for_linux(self.packages[n]))

    def list_optional(self) -> frozenset[tuple[str, str]]:
        """Return the options and names of the extras and groups of the project."""
        return frozenset(
            (option, canonicalize_name(name))
            for root in self._roots
            for table, (option, _) in _OPTIONAL.items()
            for name in _get_table(self.packages[root], table)
        )

    def omit_optional(self) -> Iterator[SkippedPart]:
        """Yield the extras and groups that are not imported."""
        for root in self._roots:
            for table, (option, _) in _OPTIONAL.items():
                for name in _get_table(self.packages[root], table):
                    if not self._is_selected(table, name):
                        line = self._file.span("package", root, table, name, of="key").line
                        reason = f"optional: import it with `{option} {name}`"
                        yield self._source.omission(name, reason, line)

    def _is_selected(self, table: str, name: str) -> bool:
        groups = table == "dev-dependencies"
        names = self._source.groups if groups else self._source.extras
        return canonicalize_name(name) in names

    @cached_property
    def _selected(self) -> frozenset[str]:
        """The selected extras and groups of the project, as markers of the lock name them."""
        names = set()
        for root in self._roots:
            own = str(self.packages[root].get("name"))
            for table, (_, kind) in _OPTIONAL.items():
                for name in _get_table(self.packages[root], table):
                    if self._is_selected(table, name):
                        names |= {name, f"{kind}-{len(own)}-{own}-{name}"}
        return frozenset(names)

    def _list_requirements(self, number: int, extra: str) -> Iterator[Mapping[str, Any]]:
        package = self.packages[number]
        if extra:
            yield from _get_items(_get_table(package, "optional-dependencies"), extra)
            return
        yield from _get_items(package, "dependencies")
        if number in self._roots:
            for table in _OPTIONAL:
                for name in _get_table(package, table):
                    if self._is_selected(table, name):
                        yield from _get_items(_get_table(package, table), name)

    def _find_targets(self, requirement: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
        """Yield the packages that a requirement names, and their extras."""
        marker = requirement.get("marker")
        if isinstance(marker, str) and not self._is_possible(marker):
            return
        name, version = str(requirement.get("name")), str(requirement.get("version", ""))
        source, extras = requirement.get("source"), requirement.get("extra")
        wanted = ["", *map(str, extras)] if isinstance(extras, list) else [""]
        # Many packages require the same: each is followed once.
        key = (name, version, repr(source), *wanted)
        if key in self._followed:
            return
        self._followed.add(key)
        for number in self._by_name.get((name, version), ()):
            if source in (None, self.packages[number].get("source")):
                yield from ((number, extra) for extra in wanted)

    def _is_possible(self, marker: str, python: str | None = None) -> bool:
        """Return whether a marker may be true on Linux, with the selected extras and groups."""
        key = marker, python
        if key not in self._applies:
            text = _EXTRA.sub(self._replace_extra, marker)
            self._applies[key] = applies_on_linux(text, python or self._python) is not False
        return self._applies[key]

    def _replace_extra(self, match: re.Match[str]) -> str:
        is_true = (match["name"] in self._selected) is (match["operator"] == "==")
        return f"os_name {'==' if is_true else '!='} 'posix'"

    def list_markers(self, numbers: Sequence[int]) -> list[str] | None:
        """Return the Pythons of each package as a marker, or None if they have one in common."""
        found: list[list[str]] = [[] for _ in numbers]
        for series in list_pythons(self._python):
            applying = [
                index
                for index, number in enumerate(numbers)
                if self._is_for_linux(self.packages[number], f"=={series}.*")
            ]
            if len(applying) > 1:
                return None
            for index in applying:
                found[index].append(f"python_version == '{series}'")
        return [" or ".join(each) for each in found]

    def _is_for_linux(self, package: Mapping[str, Any], python: str | None = None) -> bool:
        """Return whether one of the resolution markers may be true."""
        markers = package.get("resolution-markers")
        if not isinstance(markers, list):
            return True
        return any(
            isinstance(marker, str) and self._is_possible(marker, python) for marker in markers
        )


def _is_own(package: Mapping[str, Any]) -> bool:
    return any(key in _get_table(package, "source") for key in _OWN)


def _get_table(package: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = package.get(key)
    return value if isinstance(value, Mapping) else {}


def _get_items(table: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = table.get(key)
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, Mapping)]


def _read_package(
    file: TomlFile, source: SourceText, number: int, package: Mapping[str, Any]
) -> Statement | SkippedPart | None:
    name, version = package.get("name"), package.get("version")
    origin = _get_table(package, "source")
    if not isinstance(name, str) or "." in origin.values():
        return None
    span = file.span("package", number, "name")
    if _is_own(package):
        return source.omission(name, "a folder of the project", span.line)
    if isinstance(origin.get("git"), str):
        reading = read_address(name, _convert_git(origin["git"]), span)
        found: list[Statement | SkippedPart] = [*reading.statements, *reading.omissions]
        return found[0]
    if not isinstance(version, str) or "registry" not in origin:
        return source.omission(name, "installed from a repository, URL or path", span.line)
    place = file.span("package", number, "version")
    return Statement(Subject.PACKAGE, f"=={version}", place, name=name)


def _convert_git(address: str) -> str:
    """Return pip's address of a commit: uv has ``https://…?subdirectory=x&rev=main#COMMIT``."""
    parts = urlsplit(address)
    folder = parse_qs(parts.query).get("subdirectory", [""])[0]
    fragment = f"#subdirectory={folder}" if folder else ""
    return f"git+{parts.scheme}://{parts.netloc}{parts.path}@{parts.fragment}{fragment}"
