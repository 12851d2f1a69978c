"""The files of a package as an index lists them, converted as they are needed."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache, cached_property
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from unearth import Link
from unearth.utils import fix_legacy_specifier

from rigspec.lock.errors import index_failure

__all__ = [
    "DAMAGED_PAGE",
    "PAGE_ERRORS",
    "JsonPage",
    "ListedFile",
    "PackageFiles",
    "find_project",
    "find_version",
    "parse_entries",
]

DAMAGED_PAGE = "the response is not a page of a package index"
# Reading a page raises these if it is something else.
PAGE_ERRORS = (ValueError, LookupError, TypeError, AttributeError, RecursionError)

_ARCHIVE = re.compile(r"\.(?:tar\.(?:gz|bz2|xz|lzma)|tgz|tbz|txz|tlz|zip)$")
# `3.2.3-2`, a post-release as setuptools named it until 2014, and `1.0-rc1`: versions of PEP 440.
# With a dot in front, the number does not belong to the name of a project.
_HYPHENATED = re.compile(
    r"-([0-9]+\.[0-9.]*[0-9]-(?:[0-9]+|(?:a|b|c|rc|alpha|beta|post|dev)[0-9]*))$"
)
# `!=3.0*`, as setuptools accepted it until 2018.
_STAR = re.compile(r"(?<=[0-9])\*")
_FILENAME = re.compile(r'"filename"\s*:\s*"([^"\\]*)"')
# The objects in an entry that a page may have before the name of the file, and some more.
_MAX_INNER_OBJECTS = 16
_DECODER = json.JSONDecoder()


class ListedFile(NamedTuple):
    """A wheel or a source archive as an index lists it, not evaluated for any target."""

    filename: str
    url: str
    page: str
    requires_python: str | None
    yanked: str | None
    hashes: tuple[tuple[str, str], ...]
    uploaded: str | None = None

    @property
    def version(self) -> Version | None:
        """The version in its name; None where it has none."""
        return _parse_version(find_version(self.filename))

    def link(self) -> Link:
        """Return the link that a session downloads."""
        return Link(
            self.url,
            self.page,
            yank_reason=self.yanked,
            requires_python=_readable_range(self.requires_python or ""),
            hashes=dict(self.hashes) or None,
            upload_time=_parse_time(self.uploaded) if self.uploaded else None,
        )


class JsonPage:
    """A page in JSON (PEP 691), of which single entries are parsed.

    A page has up to thousands of files, of which a lock needs those of one version.
    """

    def __init__(self, name: str, text: str, address: str) -> None:
        self._name, self._text, self._address = name, text, address
        self._places = [(match[1], match.start()) for match in _FILENAME.finditer(text)]

    @property
    def is_readable(self) -> bool:
        """True if the names of all files were found: the text is whole, no name is escaped."""
        if not 0 < len(self._places) == self._text.count('"filename"'):
            return False
        try:
            _, start, _ = _find_entry(self._text, self._places[0][1])
            _, _, end = _find_entry(self._text, self._places[-1][1])
            frame = json.loads(self._text[:start] + self._text[end:])
            return bool(frame["files"] == [])
        except PAGE_ERRORS:
            return False

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[ListedFile]:
        """Yield every file. Raises LockError."""
        with self._report_damage():
            found = parse_entries(self._text, self._address)
        yield from found

    def of_version(self, version: Version) -> Iterator[ListedFile]:
        """Yield the files of one version. Raises LockError."""
        for text, places in self._by_version.items():
            if _parse_version(text) == version:
                with self._report_damage():
                    entries = [_find_entry(self._text, place)[0] for place in places]
                    found = [_convert(e, self._address) for e in entries if e.get("url")]
                yield from found

    @cached_property
    def _by_version(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for filename, place in self._places:
            found.setdefault(find_version(filename), []).append(place)
        return found

    @contextmanager
    def _report_damage(self) -> Iterator[None]:
        try:
            yield
        except PAGE_ERRORS:
            host = urlsplit(self._address).netloc.rpartition("@")[2]
            why = f"{DAMAGED_PAGE} (from {host})"
            raise index_failure(f"the list of {self._name}", why) from None


class PackageFiles:
    """The files of a package."""

    def __init__(self) -> None:
        self._by_version: dict[str, list[ListedFile]] = {}
        self._pages: list[JsonPage] = []

    def __iter__(self) -> Iterator[ListedFile]:
        """Yield every file. Raises LockError."""
        for listed in self._by_version.values():
            yield from listed
        for page in self._pages:
            yield from page

    def __len__(self) -> int:
        return sum(map(len, self._by_version.values())) + sum(map(len, self._pages))

    def add(self, file: ListedFile) -> None:
        """Add a file."""
        self._by_version.setdefault(find_version(file.filename), []).append(file)

    def add_page(self, page: JsonPage) -> None:
        """Add all files of a page."""
        self._pages.append(page)

    def of_version(self, version: Version) -> Iterator[ListedFile]:
        """Yield the files of one version. Raises LockError."""
        for text, listed in self._by_version.items():
            if _parse_version(text) == version:
                yield from listed
        for page in self._pages:
            yield from page.of_version(version)


def parse_entries(text: str, address: str) -> list[ListedFile]:
    """Return the files of a page in JSON. Raises one of ``PAGE_ERRORS``."""
    entries = json.loads(text)["files"]
    return [_convert(entry, address) for entry in entries if entry.get("url")]


def find_version(filename: str) -> str:
    """Return the version in the name of a file as it is written; empty where there is none."""
    if filename.endswith(".whl"):
        return filename.split("-", 2)[1] if "-" in filename else ""
    stem, archives = _ARCHIVE.subn("", filename)
    if not archives:
        return ""
    hyphenated = _HYPHENATED.search(stem)
    return hyphenated[1] if hyphenated is not None else stem.rpartition("-")[2]


def find_project(filename: str) -> str:
    """Return the name of the project in the name of a source archive, as it is written."""
    stem = _ARCHIVE.sub("", filename)
    return stem[: -len(find_version(filename)) - 1]


def _find_entry(text: str, place: int) -> tuple[Any, int, int]:
    """Return the innermost object of a page around a place, its start and its end.

    Raises ValueError or RecursionError.
    """
    start = place
    for _ in range(_MAX_INNER_OBJECTS):
        start = text.rfind("{", 0, start)
        if start < 0:
            break
        with suppress(ValueError):
            entry, end = _DECODER.raw_decode(text, start)
            if end > place:
                return entry, start, end
    raise ValueError(text[place : place + 80])


def _convert(entry: Any, address: str) -> ListedFile:
    """Return an entry of a page. Raises one of ``PAGE_ERRORS``."""
    url = entry["url"]
    return ListedFile(
        filename=str(entry["filename"]),
        url=url if url.startswith("https://") else urljoin(address, url),
        page=address,
        requires_python=entry.get("requires-python"),
        yanked=entry.get("yanked") or None,
        hashes=tuple((entry.get("hashes") or {}).items()),
        uploaded=entry.get("upload-time"),
    )


@cache
def _parse_version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None


@cache
def _readable_range(requires_python: str) -> str | None:
    """Return the range as PEP 440 writes it; None where pip, too, would ignore it."""
    text = _STAR.sub(".*", requires_python)
    try:
        SpecifierSet(fix_legacy_specifier(text))
    except InvalidSpecifier:
        return None
    return text or None


def _parse_time(text: str) -> dt.datetime | None:
    try:
        return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
