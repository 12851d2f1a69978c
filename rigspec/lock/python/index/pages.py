"""The pages of an index: the files of a package, with everything the index states of them."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import urljoin

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from unearth import Link, PackageFinder, URLError
from unearth.collector import (
    LinkCollectError,
    collect_links_from_location,
    fetch_page,
    is_secure_origin,
)
from unearth.utils import fix_legacy_specifier

from rigspec.lock.errors import index_failure

__all__ = ["IndexPages", "ListedFile", "convert_http_errors", "fetch_files", "hash_bytes"]

_SERVER_ERROR = 500
_ARCHIVE = re.compile(r"\.(?:tar\.(?:gz|bz2|xz|lzma)|tgz|tbz|txz|tlz|zip)$")
# `!=3.0*`, as setuptools accepted it until 2018.
_STAR = re.compile(r"(?<=[0-9])\*")
_JSON = "application/vnd.pypi.simple.v1+json"


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
        return _version_of(self.filename)

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


# The files of packages that were read, by name.
IndexPages = dict[str, list[ListedFile]]


def fetch_files(finder: PackageFinder, name: str) -> list[ListedFile]:
    """Return the files of a package in all of a finder's indexes. Raises LockError."""
    found: list[ListedFile] = []
    try:
        for source in finder.sources:
            page = Link(f"{source['url'].rstrip('/')}/{canonicalize_name(name)}/")
            found += _read_page(finder, page)
        if not found:
            _ensure_absent(finder, name)
    except convert_http_errors() as error:
        raise index_failure(f"the list of {name}", str(error)) from None
    return found


def hash_bytes(link: Link) -> list[str]:
    """Return the checksums that the index states for a file, if any."""
    return (link.hash_option or {}).get("sha256", [])


def convert_http_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions of a finder's session."""
    import httpx2

    return (httpx2.HTTPError, URLError, OSError)


def _read_page(finder: PackageFinder, page: Link) -> Iterator[ListedFile]:
    if page.is_file:
        yield from map(_from_link, collect_links_from_location(finder.session, page))
        return
    if not is_secure_origin(finder.session, page):
        return
    try:
        read = fetch_page(finder.session, page)
    except LinkCollectError:
        return
    if not read.content_type.lower().startswith(_JSON):
        from unearth.collector import parse_html_page

        yield from map(_from_link, parse_html_page(read))
        return
    base = read.link.url_without_fragment
    for entry in json.loads(read.content).get("files", ()):
        if entry.get("url"):
            yield _from_json(entry, base)


def _from_json(entry: Any, base: str) -> ListedFile:
    url = entry["url"]
    return ListedFile(
        filename=entry["filename"],
        url=url if url.startswith("https://") else urljoin(base, url),
        page=base,
        requires_python=entry.get("requires-python"),
        yanked=entry.get("yanked") or None,
        hashes=tuple((entry.get("hashes") or {}).items()),
        uploaded=entry.get("upload-time"),
    )


def _from_link(link: Link) -> ListedFile:
    hashes = {name: values[0] for name, values in (link.hash_option or {}).items()}
    return ListedFile(
        filename=link.filename,
        url=link.url,
        page=link.comes_from or "",
        requires_python=link.requires_python,
        yanked=link.yank_reason,
        hashes=tuple(hashes.items()),
        uploaded=link.upload_time.isoformat() if link.upload_time else None,
    )


def _ensure_absent(finder: PackageFinder, name: str) -> None:
    """Raise LockError if a server failed, which looks like an empty page otherwise."""
    for source in finder.sources:
        response = finder.session.get(f"{source['url'].rstrip('/')}/{name}/")
        if response.status_code >= _SERVER_ERROR:
            raise index_failure(f"the list of {name}", f"HTTP status {response.status_code}")


def _version_of(filename: str) -> Version | None:
    if filename.endswith(".whl"):
        return _parse_version(filename.split("-")[1] if "-" in filename else "")
    stem, archives = _ARCHIVE.subn("", filename)
    return _parse_version(stem.rpartition("-")[2]) if archives else None


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


def _parse_time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
