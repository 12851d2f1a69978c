"""The pages of an index: the files of a package, with everything the index states of them."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple
from urllib.parse import urljoin

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from unearth import Link, Package, PackageFinder, URLError
from unearth.collector import IndexPage, collect_links_from_location, is_secure_origin
from unearth.utils import fix_legacy_specifier

from rigspec.lock.errors import index_failure, report_failed_transfer
from rigspec.lock.python.target_interpreter import TargetInterpreter
from rigspec.net.http import BadTransfer, describe_status

__all__ = [
    "IndexPages",
    "ListedFile",
    "PackageFiles",
    "convert_http_errors",
    "fetch_files",
    "hash_bytes",
]

_OK = 200
# The index does not have the package, or does not say so: a bucket denies what it does not have.
_ABSENT = (401, 403, 404, 410)
_ARCHIVE = re.compile(r"\.(?:tar\.(?:gz|bz2|xz|lzma)|tgz|tbz|txz|tlz|zip)$")
# `!=3.0*`, as setuptools accepted it until 2018.
_STAR = re.compile(r"(?<=[0-9])\*")
_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = ("text/html", "application/vnd.pypi.simple.v1+html")
_ACCEPT = f"{_JSON}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
# The signs of a page of an index that lists no file.
_INDEX_PAGE = re.compile(
    r"pypi:repository-version|Links for |Index of |Directory listing", re.IGNORECASE
)


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
        return _parse_version(_version_in(self.filename))

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


class PackageFiles:
    """The files of a package.

    They are converted as they are needed: a package has thousands, of which a lock has few.
    ``installable`` are those of a version that a target installs, as far as they are known.
    """

    def __init__(self) -> None:
        self._by_version: dict[str, list[Callable[[], ListedFile]]] = {}
        self.installable: dict[tuple[TargetInterpreter, Version], tuple[Package, ...]] = {}

    def __iter__(self) -> Iterator[ListedFile]:
        """Yield every file, those of one version together."""
        for listed in self._by_version.values():
            yield from (convert() for convert in listed)

    def __len__(self) -> int:
        return sum(map(len, self._by_version.values()))

    def add(self, filename: str, convert: Callable[[], ListedFile]) -> None:
        """Add a file by its name; ``convert`` is called when it is needed."""
        self._by_version.setdefault(_version_in(filename), []).append(convert)

    def of_version(self, version: Version) -> Iterator[ListedFile]:
        """Yield the files of one version."""
        for text, listed in self._by_version.items():
            if _parse_version(text) == version:
                yield from (convert() for convert in listed)


# The files of packages that were read, by name.
IndexPages = dict[str, PackageFiles]


def fetch_files(finder: PackageFinder, name: str) -> PackageFiles:
    """Return the files of a package in all of a finder's indexes. Raises LockError."""
    found, lacking = PackageFiles(), []
    try:
        for source in finder.sources:
            page = Link(f"{source['url'].rstrip('/')}/{canonicalize_name(name)}/")
            if not _read_page(finder, page, found):
                lacking.append(source["url"])
        if not len(found):
            for address in lacking:
                _ensure_index(finder, address, name)
    except convert_http_errors() as error:
        raise report_failed_transfer(f"the list of {name}", error) from None
    return found


def hash_bytes(link: Link) -> list[str]:
    """Return the checksums that the index states for a file, if any."""
    return (link.hash_option or {}).get("sha256", [])


def convert_http_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions of a finder's session."""
    import httpx2

    return (httpx2.HTTPError, URLError, OSError)


def _read_page(finder: PackageFinder, page: Link, found: PackageFiles) -> bool:
    """Add the files of a page to those found; return whether the index has the page."""
    if page.is_file:
        _add_links(collect_links_from_location(finder.session, page), found)
        return True
    session: Any = finder.session
    if not is_secure_origin(session, page):
        host = page.parsed.hostname
        raise BadTransfer(f"{host} uses plain HTTP, so that anyone on the way can change its files")
    response = session.get(page.normalized, headers={"Accept": _ACCEPT})
    if response.status_code in _ABSENT:
        return False
    response.raise_for_status()
    kind = response.headers.get("Content-Type", "").lower()
    read = IndexPage(Link(str(response.url)), response.content, response.encoding, kind)
    try:
        if kind.startswith(_JSON):
            _add_entries(json.loads(read.content)["files"], read.link, found)
        elif kind.startswith(_HTML):
            _add_html(read, found)
        else:
            raise ValueError(kind)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        why = "the response is not a page of a package index"
        raise BadTransfer(why, response.request) from None
    return True


def _add_entries(entries: Iterable[Any], page: Link, found: PackageFiles) -> None:
    base = page.url_without_fragment
    for entry in entries:
        if entry.get("url"):
            found.add(str(entry["filename"]), partial(_from_json, entry, base))


def _add_html(page: IndexPage, found: PackageFiles) -> None:
    """Add the files of a page of HTML; raise ValueError for one that is not of an index."""
    from unearth.collector import parse_html_page

    links = [link for link in parse_html_page(page) if _version_in(link.filename)]
    if not links and not _INDEX_PAGE.search(page.content.decode("utf-8", "replace")):
        raise ValueError("neither a file nor a sign of an index")
    _add_links(links, found)


def _add_links(links: Iterable[Link], found: PackageFiles) -> None:
    for link in links:
        found.add(link.filename, partial(_from_link, link))


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


def _ensure_index(finder: PackageFinder, address: str, name: str) -> None:
    """Raise LockError unless there is a package index, which only lacks the package."""
    session: Any = finder.session
    headers = {"Accept": _ACCEPT}
    with session.stream("GET", f"{address.rstrip('/')}/", headers=headers) as response:
        if response.status_code != _OK:
            why = f"{describe_status(response)}, also for the list of all packages"
            raise index_failure(f"the list of {name}", why)


def _version_in(filename: str) -> str:
    """Return the version in the name of a file as it is written; empty where there is none."""
    if filename.endswith(".whl"):
        return filename.split("-", 2)[1] if "-" in filename else ""
    stem, archives = _ARCHIVE.subn("", filename)
    return stem.rpartition("-")[2] if archives else ""


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
