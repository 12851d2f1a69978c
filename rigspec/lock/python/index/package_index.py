"""The versions, files and metadata that a Python index has for a target."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from unearth import Link, Package, PackageFinder, TargetPython

from rigspec.garbage_collection import pause_garbage_collection
from rigspec.lock.errors import (
    LockError,
    index_failure,
    report_absent_package,
    report_failed_transfer,
)
from rigspec.lock.python.index.client import create_package_finder
from rigspec.lock.python.index.links import FileFilter, filter_files_by_day
from rigspec.lock.python.index.listed_files import ListedFile, PackageFiles
from rigspec.lock.python.index.metadata import FileMetadata, read_metadata
from rigspec.lock.python.index.pages import (
    IndexPages,
    convert_http_errors,
    fetch_files,
    fetch_names,
    hash_bytes,
)
from rigspec.lock.python.index.upload_times import get_end_of_day
from rigspec.lock.python.request import TOOLS, ResolveRequest
from rigspec.lock.python.requirements_file import HashedPin
from rigspec.lock.python.target_interpreter import TargetInterpreter
from rigspec.net.http import build_limit
from rigspec.net.limits import FILE
from rigspec.spec.package_sources import NamedIndex, find_named_index

__all__ = ["AvailableVersion", "IndexedFile", "PackageIndex"]

_AT_ONCE = 8
# The end of a wheel's name, such as `-cp312-cp312-manylinux_2_17_x86_64.whl`.
_LINUX_WHEEL = re.compile(
    r"-cp(?P<major>\d)(?P<minor>\d+)-cp(?P=major)(?P=minor)m?u?-(?:.*\.)?"
    r"(?:many)?linux(?:_\d+_\d+|\d*)_(?P<arch>[a-z0-9_]+)\.whl$"
)


@dataclass(frozen=True)
class AvailableVersion:
    """One version of a package, with the files of it that the target can install."""

    name: str
    version: Version
    files: tuple[Package, ...]

    @property
    def has_wheel(self) -> bool:
        """Return whether it installs without a build."""
        return self.files[0].link.is_wheel


@dataclass(frozen=True)
class IndexedFile:
    """A file of the index, and its sha256 in a lock."""

    session: Any
    link: Link
    sha256: str

    @property
    def name(self) -> str:
        """The file's own name."""
        return str(self.link.filename)

    @property
    def requires_python(self) -> str | None:
        """The Pythons that the index lists it for."""
        return self.link.requires_python

    def blocks(self) -> Iterator[bytes]:
        """Yield its bytes as the index sends them now. Raises LockError."""
        try:
            # The bytes that are hashed are those of the file.
            plain = {"Accept-Encoding": "identity"}
            with self.session.stream(
                "GET", self.link.normalized, headers=plain, extensions=build_limit(FILE)
            ) as response:
                response.raise_for_status()
                yield from response.iter_raw()
        except convert_http_errors() as error:
            raise report_failed_transfer(self.name, error) from None


class PackageIndex:
    """An index for one interpreter. ``url`` None is the user's configured default.

    ``extra`` are further indexes, with builds that the first one does not have. The packages of
    ``named`` come from their own index alone.
    Files that were uploaded after the day ``as_of`` are skipped, except those of ``TOOLS``.
    ``pages`` are shared between several: each page is read once.
    """

    def __init__(
        self,
        target: TargetInterpreter,
        url: str | None,
        as_of: dt.date | None = None,
        pages: IndexPages | None = None,
        extra: Sequence[str] = (),
        named: Sequence[NamedIndex] = (),
    ) -> None:
        self.target = target
        self.named = tuple(named)
        self._as_of = as_of
        python = TargetPython(
            # To the patch release: `Requires-Python: >=3.6.1` is common.
            py_ver=tuple(int(part) for part in target.version.split(".")),
            abis=[target.abi],
            impl="cp",
            platforms=list(target.platforms()),
        )
        self._finder = create_package_finder(url, python, extra=extra)
        self._finders = {each.name: create_package_finder(each.url, python) for each in named}
        # The same version of a package may have other files on another index.
        self._addresses = (
            *(source["url"] for source in self._finder.sources),
            *(text for each in named for text in (each.url, *each.packages)),
        )
        self._filter = FileFilter(self._finder)
        self._pages = pages if pages is not None else IndexPages()
        self._offers: dict[str, tuple[AvailableVersion, ...]] = {}
        self._metadata: dict[str, FileMetadata] = {}

    @classmethod
    def of(cls, request: ResolveRequest, as_of: dt.date | None = None) -> PackageIndex:
        """Return the indexes of a request, without files that are newer than a day."""
        return cls(
            *(request.target, request.index, as_of, request.pages),
            *(request.extra_indexes, request.named_indexes),
        )

    def offers(self, name: str) -> tuple[AvailableVersion, ...]:
        """Return every version that fits the target: wheels before sdists, then newest first.

        Pre-releases are among them. Raises LockError.
        """
        if name not in self._offers:
            self._offers[name] = self._read_offers(name)
        return self._offers[name]

    def list_unusable(self, name: str) -> set[Version]:
        """Return the versions without a file that fits the target. Raises LockError."""
        listed = {file.version for file in self._list_files(name) if file.version is not None}
        return listed - {offer.version for offer in self.offers(name)}

    def list_named_packages(self) -> tuple[str, ...]:
        """Return the names of all packages that come from a named index. Raises LockError.

        The start of names is completed from the list of all packages of the index.
        """
        found: dict[str, None] = {}
        for each in self.named:
            exact = [name for name in each.packages if not name.endswith("*")]
            found.update(dict.fromkeys(exact))
            if len(exact) < len(each.packages):
                if each.url not in self._pages.names:
                    self._pages.names[each.url] = fetch_names(self._finders[each.name], each.name)
                names = self._pages.names[each.url]
                found.update(dict.fromkeys(name for name in names if each.names(name)))
        return tuple(found)

    def list_files(self, name: str) -> tuple[ListedFile, ...]:
        """Return all files of a package, for any target; none if the index lacks it.

        Raises LockError.
        """
        return tuple(self._read_page(canonicalize_name(name)))

    def load(self, names: Iterable[str]) -> None:
        """Read the pages of packages in advance; errors are left to who needs a page."""
        for name in names:
            with suppress(LockError):
                self._list_files(name)

    def read_pages(self, names: Iterable[str]) -> None:
        """Read the pages of packages, several at a time. Raises LockError."""
        from concurrent.futures import ThreadPoolExecutor

        with pause_garbage_collection(), ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(self._list_files, dict.fromkeys(names)))

    def read_releases(self, pins: Sequence[HashedPin]) -> None:
        """Read the files of the versions of pins, several at a time. Raises LockError."""
        from concurrent.futures import ThreadPoolExecutor

        unread = [pin for pin in pins if pin not in self._pages.releases]
        cache = self._pages.cache
        if cache is not None and unread:
            self._pages.releases |= cache.recall(self._addresses, unread)
            unread = [pin for pin in unread if pin not in self._pages.releases]
        if not unread:
            return
        with pause_garbage_collection(), ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(self._list_release, unread))
        if cache is not None:
            cache.keep(self._addresses, {pin: self._pages.releases[pin] for pin in unread})

    def files(self, pin: HashedPin) -> tuple[Package, ...]:
        """Return the files of a pin's version that the target's pip installs, wheels first.

        Withdrawn files are among them: pip takes one where `==` names it. Only the files of this
        version are evaluated, which is much less than ``offers`` does. Raises LockError.
        """
        key = self.target, pin
        if key not in self._pages.installable:
            listed = _wheels_first(self._list_release(pin))
            found = (self._filter.admit(pin.name, file, yanked=True) for file in listed)
            self._pages.installable[key] = tuple(file for file in found if file is not None)
        return self._pages.installable[key]

    def missing(self, pins: Sequence[HashedPin]) -> list[HashedPin]:
        """Return the pins without a file that the target's pip would take. Raises LockError.

        A file of another index than that of its package is not taken.
        """
        self.read_releases(pins)
        return [pin for pin in pins if not self.files(pin) or self._is_from_elsewhere(pin)]

    def _is_from_elsewhere(self, pin: HashedPin) -> bool:
        if find_named_index(self.named, pin.name) is None or not pin.sha256:
            return False
        listed = [dict(file.hashes).get("sha256") for file in self._list_release(pin)]
        return None not in listed and pin.sha256.isdisjoint(listed)

    def upload_days(self, pins: Sequence[HashedPin]) -> dict[str, dt.date]:
        """Return the day of each pin whose index page has one. Raises LockError."""
        found = {}
        for pin in pins:
            times = [file.link.upload_time for file in self.files(pin)]
            known = [time.date() for time in times if time is not None]
            if known:
                found[pin.name] = min(known)
        return found

    def source_only(self, pins: Sequence[HashedPin]) -> list[HashedPin]:
        """Return the pins that the target's pip has to build. Raises LockError."""
        files = [(pin, self.files(pin)) for pin in pins]
        return [pin for pin, found in files if found and not found[0].link.is_wheel]

    def has_wheels(self, pin: HashedPin) -> bool:
        """Return whether a version has a wheel for any interpreter. Raises LockError."""
        return any(file.filename.endswith(".whl") for file in self._list_release(pin))

    def list_wheel_pythons(self, pin: HashedPin) -> tuple[str, ...]:
        """Return the Pythons with a wheel of a version for the target's platform, oldest first.

        Wheels for more than one Python are not among them. Raises LockError.
        """
        names = [file.filename for file in self._list_release(pin)]
        found = {match for name in names if (match := _find_wheel_python(name, self.target.arch))}
        return tuple(f"{major}.{minor}" for major, minor in sorted(found))

    def file_of(self, pin: HashedPin) -> IndexedFile | None:
        """Return the file of a pin that the target's pip would take; None where there is none.

        Raises LockError.
        """
        for package in self.files(pin):
            known = pin.sha256.intersection(hash_bytes(package.link))
            if known:
                session = self._find_finder(pin.name).session
                return IndexedFile(session, package.link, min(known))
        return None

    def requirements(self, offer: AvailableVersion) -> tuple[Requirement, ...]:
        """Return the requirements in an offer's own metadata. Raises LockError."""
        return self._read(offer.name, offer.files[0].link).runs_with

    def source_metadata(self, pin: HashedPin) -> FileMetadata | None:
        """Return the metadata of a pin that has to be built; None for a wheel.

        Raises LockError.
        """
        files = self.files(pin)
        return self._read(pin.name, files[0].link) if files and not files[0].link.is_wheel else None

    def missing_build_requirement(self, offer: AvailableVersion) -> Requirement | None:
        """Return a build requirement of an offer that the target cannot have; None for a wheel.

        Raises LockError.
        """
        if offer.has_wheel:
            return None
        for needed in self._read(offer.name, offer.files[0].link).built_with:
            there = (needed.specifier.contains(each.version) for each in self.offers(needed.name))
            if self.applies(needed) and not any(there):
                return needed
        return None

    def applies(self, requirement: Requirement) -> bool:
        """Return whether the marker of a requirement is true for the target."""
        markers = dict(self.target.markers())
        return requirement.marker is None or requirement.marker.evaluate(markers)

    def requirer_of(
        self, name: str, roots: Sequence[HashedPin], pins: Sequence[HashedPin]
    ) -> HashedPin | None:
        """Return the root with the shortest path of dependencies, within the pins, to a package.

        None where no root has one. Raises LockError.
        """
        pinned = {pin.name: pin for pin in pins}
        frontier = [(root, root) for root in roots]
        seen = {root.name for root in roots}
        while frontier:
            deeper = []
            for root, pin in frontier:
                for required in self._required_names(pin):
                    if required == name:
                        return root
                    if required in pinned and required not in seen:
                        seen.add(required)
                        deeper.append((root, pinned[required]))
            frontier = deeper
        return None

    def _required_names(self, pin: HashedPin) -> list[str]:
        files = self.files(pin)
        required = self._read(pin.name, files[0].link).runs_with if files else ()
        return [canonicalize_name(each.name) for each in required if self.applies(each)]

    def _read(self, name: str, link: Link) -> FileMetadata:
        if link.filename not in self._metadata:
            session = self._find_finder(name).session
            self._metadata[link.filename] = read_metadata(session, link)
        return self._metadata[link.filename]

    def _find_finder(self, name: str) -> PackageFinder:
        index = find_named_index(self.named, name)
        return self._finder if index is None else self._finders[index.name]

    def _list_files(self, name: str) -> PackageFiles:
        key = canonicalize_name(name)
        found = self._read_page(key)
        index = find_named_index(self.named, key)
        if index is not None and not len(found):
            raise report_absent_package(key, index.name)
        return found

    def _read_page(self, key: str) -> PackageFiles:
        if key not in self._pages.packages:
            self._pages.packages[key] = fetch_files(self._find_finder(key), key)
        return self._pages.packages[key]

    def _list_release(self, pin: HashedPin) -> tuple[ListedFile, ...]:
        if pin not in self._pages.releases:
            found = self._list_files(pin.name).of_version(pin.version)
            self._pages.releases[pin] = tuple(found)
        return self._pages.releases[pin]

    def _read_offers(self, name: str) -> tuple[AvailableVersion, ...]:
        listed = _wheels_first(self._list_files(name))
        admitted = (self._filter.admit(name, file, yanked=False) for file in listed)
        found = [package for package in admitted if package is not None]
        if self._as_of is not None and canonicalize_name(name) not in TOOLS:
            found = self._uploaded_by(self._as_of, name, found)
        by_version: dict[Version, list[Package]] = {}
        for package in found:
            by_version.setdefault(Version(package.version or "0"), []).append(package)
        offers = [
            AvailableVersion(name, version, tuple(files)) for version, files in by_version.items()
        ]
        offers.sort(key=lambda offer: (offer.has_wheel, offer.version), reverse=True)
        return tuple(offers)

    def _uploaded_by(self, day: dt.date, name: str, files: list[Package]) -> list[Package]:
        if not files:
            return files
        dated = filter_files_by_day(self._find_finder(name), name, files)
        if all(uploaded is None for _, uploaded in dated):
            why = "the index states none, which `as_of` needs"
            raise index_failure(f"the upload times of {name}", why)
        return [file for file, time in dated if time is not None and time < get_end_of_day(day)]


def _wheels_first(files: Iterable[ListedFile]) -> list[ListedFile]:
    return sorted(files, key=lambda file: (not file.filename.endswith(".whl"), file.filename))


def _find_wheel_python(name: str, arch: str) -> tuple[int, int] | None:
    """Return the one Python of a wheel for Linux on an architecture; None for other files."""
    found = _LINUX_WHEEL.search(name)
    if found is None or found["arch"] != arch:
        return None
    return int(found["major"]), int(found["minor"])
