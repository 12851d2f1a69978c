"""The pages of an index: the files of a package, with everything the index states of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name
from unearth import Link, Package, PackageFinder, URLError
from unearth.collector import IndexPage, collect_links_from_location, is_secure_origin

from rigspec.lock.errors import (
    index_failure,
    report_failed_transfer,
    report_unlisted_names,
)
from rigspec.lock.python.index.listed_files import (
    DAMAGED_PAGE,
    PAGE_ERRORS,
    JsonPage,
    ListedFile,
    PackageFiles,
    find_version,
    parse_entries,
)
from rigspec.lock.python.index.release_cache import ReleaseCache
from rigspec.lock.python.requirements_file import HashedPin
from rigspec.lock.python.target_interpreter import TargetInterpreter
from rigspec.net.http import BadTransfer, describe_status

__all__ = [
    "IndexPages",
    "convert_http_errors",
    "fetch_files",
    "fetch_names",
    "hash_bytes",
]

_OK = 200
# The index does not have the package, or does not say so: a bucket denies what it does not have.
_ABSENT = (401, 403, 404, 410)
_JSON = "application/vnd.pypi.simple.v1+json"
_HTML = ("text/html", "application/vnd.pypi.simple.v1+html")
_ACCEPT = f"{_JSON}, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
# The signs of a page of an index that lists no file.
_INDEX_PAGE = re.compile(
    r"pypi:repository-version|Links for |Index of |Directory listing", re.IGNORECASE
)


@dataclass
class IndexPages:
    """The parts of an index that were read, shared by several ``PackageIndex``.

    Args:
        packages: all files of a package, by its name.
        releases: the files of the version of a pin.
        installable: those of them that a target installs.
        cache: files of releases from earlier runs; None without any.
        names: the names of all packages of an index, by its address.
    """

    packages: dict[str, PackageFiles] = field(default_factory=dict)
    releases: dict[HashedPin, tuple[ListedFile, ...]] = field(default_factory=dict)
    installable: dict[tuple[TargetInterpreter, HashedPin], tuple[Package, ...]] = field(
        default_factory=dict
    )
    cache: ReleaseCache | None = None
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)


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


def fetch_names(finder: PackageFinder, index: str) -> tuple[str, ...]:
    """Return the names of all packages of a finder's index, called ``index``. Raises LockError."""
    page = Link(f"{finder.sources[0]['url'].rstrip('/')}/")
    try:
        names = tuple(dict.fromkeys(_read_names(finder, page)))
    except convert_http_errors() as error:
        raise report_failed_transfer(f"the list of packages of `{index}`", error) from None
    if not names:
        raise report_unlisted_names(index)
    return names


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
    _require_secure(session, page)
    response = session.get(page.normalized, headers={"Accept": _ACCEPT})
    if response.status_code in _ABSENT:
        return False
    response.raise_for_status()
    kind = response.headers.get("Content-Type", "").lower()
    read = IndexPage(Link(str(response.url)), response.content, response.encoding, kind)
    try:
        if kind.startswith(_JSON):
            _add_json(page.filename, read.content.decode(), read.link, found)
        elif kind.startswith(_HTML):
            _add_html(read, found)
        else:
            raise ValueError(kind)
    except PAGE_ERRORS:
        raise BadTransfer(DAMAGED_PAGE, response.request) from None
    return True


def _read_names(finder: PackageFinder, page: Link) -> Iterator[str]:
    """Yield the canonical names on the page of all packages of an index."""
    from unearth.collector import parse_html_page

    session: Any = finder.session
    if page.is_file:
        links = collect_links_from_location(session, page)
        yield from map(_read_folder, links)
        return
    _require_secure(session, page)
    response = session.get(page.normalized, headers={"Accept": _ACCEPT})
    if response.status_code in _ABSENT:
        return
    response.raise_for_status()
    kind = response.headers.get("Content-Type", "").lower()
    try:
        if kind.startswith(_JSON):
            yield from (canonicalize_name(each["name"]) for each in response.json()["projects"])
        else:
            read = IndexPage(Link(str(response.url)), response.content, response.encoding, kind)
            yield from map(_read_folder, parse_html_page(read))
    except PAGE_ERRORS:
        raise BadTransfer(DAMAGED_PAGE, response.request) from None


def _read_folder(link: Link) -> str:
    """Return the canonical name of the folder that a link leads to."""
    return canonicalize_name(unquote(urlsplit(link.url).path.rstrip("/").rpartition("/")[2]))


def _require_secure(session: Any, page: Link) -> None:
    if not is_secure_origin(session, page):
        host = page.parsed.hostname
        raise BadTransfer(f"{host} uses plain HTTP, so that anyone on the way can change its files")


def _add_json(name: str, text: str, page: Link, found: PackageFiles) -> None:
    """Add the files of a page in JSON; raise one of ``PAGE_ERRORS`` for another text."""
    scanned = JsonPage(name, text, page.url_without_fragment)
    if scanned.is_readable:
        found.add_page(scanned)
        return
    for file in parse_entries(text, page.url_without_fragment):
        found.add(file)


def _add_html(page: IndexPage, found: PackageFiles) -> None:
    """Add the files of a page of HTML; raise ValueError for one that is not of an index."""
    from unearth.collector import parse_html_page

    links = [link for link in parse_html_page(page) if find_version(link.filename)]
    if not links and not _INDEX_PAGE.search(page.content.decode("utf-8", "replace")):
        raise ValueError("neither a file nor a sign of an index")
    _add_links(links, found)


def _add_links(links: Iterable[Link], found: PackageFiles) -> None:
    for link in links:
        found.add(_from_link(link))


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
