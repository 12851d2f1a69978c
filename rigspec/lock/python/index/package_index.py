"""What a Python index offers for a target: versions, files, metadata."""

from __future__ import annotations

import datetime as dt
import io
import tarfile
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import Any

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from unearth import Link, Package, PackageFinder, TargetPython, URLError

from rigspec.lock.errors import index_failure
from rigspec.lock.python.index.client import create_package_finder
from rigspec.lock.python.index.remote_zip import RangeNotSupported, RemoteFile
from rigspec.lock.python.index.sdist import SdistMetadata, read_sdist
from rigspec.lock.python.index.upload_times import end_of, upload_times
from rigspec.lock.python.request import TOOLS
from rigspec.lock.python.requirements_file import Pin
from rigspec.lock.python.target_interpreter import TargetInterpreter

__all__ = [
    "AvailableVersion",
    "IndexedFile",
    "PackageIndex",
    "dated_files",
    "listed_files",
    "metadata_requirements",
    "sha256_of",
]

# The user cannot fix the Requires-Python of an index's files.
warnings.filterwarnings("ignore", category=FutureWarning, module=r"unearth\.")

_SERVER_ERROR = 500
_AT_ONCE = 8


@dataclass(frozen=True)
class AvailableVersion:
    """One version of a package, with the files of it that the target can install."""

    name: str
    version: Version
    files: tuple[Package, ...]

    @property
    def has_wheel(self) -> bool:
        """Whether it installs without building."""
        return self.files[0].link.is_wheel


@dataclass(frozen=True)
class IndexedFile:
    """A file of the index, and the sha256 that a lock has for it."""

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
        """Its bytes as the index sends them now. Raises LockError."""
        try:
            # The bytes that are hashed are those of the file.
            plain = {"Accept-Encoding": "identity"}
            with self.session.stream("GET", self.link.normalized, headers=plain) as response:
                response.raise_for_status()
                yield from response.iter_raw()
        except _http_errors() as error:
            raise index_failure(self.name, str(error)) from None


class PackageIndex:
    """An index as a certain interpreter sees it. ``url`` None is the user's configured default.

    Files that were uploaded after the day ``as_of`` are not seen, but for those of ``TOOLS``.
    """

    def __init__(
        self, target: TargetInterpreter, url: str | None, as_of: dt.date | None = None
    ) -> None:
        self.target = target
        self._as_of = as_of
        self._finder = create_package_finder(
            url,
            TargetPython(
                # To the patch release: `Requires-Python: >=3.6.1` is common.
                py_ver=tuple(int(part) for part in target.version.split(".")),
                abis=[target.abi],
                impl="cp",
                platforms=list(target.platforms()),
            ),
        )
        self._offers: dict[str, tuple[AvailableVersion, ...]] = {}
        self._read_metadata: dict[str, _Declared] = {}

    def offers(self, name: str) -> tuple[AvailableVersion, ...]:
        """Every final version that fits the target: wheels before sdists, then newest first.

        Raises LockError.
        """
        if name not in self._offers:
            self._offers[name] = self._fetch_offers(name)
        return self._offers[name]

    def missing(self, pins: Sequence[Pin]) -> list[Pin]:
        """The pins that have no file which the target's pip would take. Raises LockError."""
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            listed = list(pool.map(self.offers, [pin.name for pin in pins]))
        unseen = [
            pin
            for pin, offers in zip(pins, listed, strict=True)
            if all(offer.version != pin.version for offer in offers)
        ]
        # Like pip, uv takes a withdrawn release only where something asks for it by `==`.
        return [pin for pin in unseen if pin.version not in self.yanked(pin.name)]

    def yanked(self, name: str) -> frozenset[Version]:
        """The versions that the index has withdrawn: pip takes one only where `==` names it."""
        return frozenset(
            Version(package.version or "0")
            for package in listed_files(self._finder, name, yanked=True)
            if package.link.is_yanked
        )

    def file_of(self, pin: Pin) -> IndexedFile | None:
        """The file of a pin that the target's pip would take; None where there is none.

        Raises LockError.
        """
        for package in listed_files(self._finder, pin.name, yanked=True):
            known = pin.sha256.intersection(sha256_of(package.link))
            if known:
                return IndexedFile(self._finder.session, package.link, min(known))
        return None

    def requirements(self, offer: AvailableVersion) -> tuple[Requirement, ...]:
        """What an offer declares to need, by its own metadata. Raises LockError."""
        return self._declares(offer).runs_with

    def not_built_with(self, offer: AvailableVersion) -> Requirement | None:
        """What builds an offer, where the target can have none of it; a wheel is built already.

        Raises LockError.
        """
        if offer.has_wheel:
            return None
        markers = dict(self.target.markers())
        for needed in self._declares(offer).built_with:
            applies = needed.marker is None or needed.marker.evaluate(markers)
            there = (needed.specifier.contains(each.version) for each in self.offers(needed.name))
            if applies and not any(there):
                return needed
        return None

    def _declares(self, offer: AvailableVersion) -> _Declared:
        link = offer.files[0].link
        if link.filename not in self._read_metadata:
            self._read_metadata[link.filename] = _read_metadata(self._finder.session, link)
        return self._read_metadata[link.filename]

    def _fetch_offers(self, name: str) -> tuple[AvailableVersion, ...]:
        found = listed_files(self._finder, name, yanked=False)
        if self._as_of is not None and canonicalize_name(name) not in TOOLS:
            found = self._uploaded_by(self._as_of, name, found)
        by_version: dict[Version, list[Package]] = {}
        for package in found:
            version = Version(package.version or "0")
            if not version.is_prerelease:
                by_version.setdefault(version, []).append(package)
        offers = [
            AvailableVersion(name, v, tuple(_wheels_first(files)))
            for v, files in by_version.items()
        ]
        offers.sort(key=lambda offer: (offer.has_wheel, offer.version), reverse=True)
        return tuple(offers)

    def _uploaded_by(self, day: dt.date, name: str, files: list[Package]) -> list[Package]:
        if not files:
            return files
        dated = dated_files(self._finder, name, files)
        if all(uploaded is None for _, uploaded in dated):
            raise index_failure(
                f"the upload times of {name}",
                "the index states none, which `as_of` needs",
            )
        return [file for file, time in dated if time is not None and time < end_of(day)]


def listed_files(finder: PackageFinder, name: str, *, yanked: bool) -> list[Package]:
    """Every file that the index lists for a package. Raises LockError."""
    try:
        found = list(finder.find_all_packages(name, allow_yanked=yanked))
        if not found:
            _ensure_absent(finder, name)
    except _http_errors() as error:
        raise index_failure(f"the list of {name}", str(error)) from None
    return found


def dated_files(
    finder: PackageFinder, name: str, files: Sequence[Package]
) -> list[tuple[Package, dt.datetime | None]]:
    """Each file with when it was uploaded, where the index states it. Raises LockError."""
    try:
        times = upload_times(finder, name)
    except _http_errors() as error:
        raise index_failure(f"the list of {name}", str(error)) from None
    return [(file, file.link.upload_time or times.get(file.link.filename)) for file in files]


def _ensure_absent(finder: PackageFinder, name: str) -> None:
    """Tell a package that is not there from an index that is out of order: unearth takes a
    server's error for an empty list.
    """
    for source in finder.sources:
        response = finder.session.get(f"{source['url'].rstrip('/')}/{name}/")
        if response.status_code >= _SERVER_ERROR:
            raise index_failure(f"the list of {name}", f"HTTP status {response.status_code}")


def metadata_requirements(session: Any, link: Link) -> tuple[Requirement, ...]:
    """What one file declares to need; ``session`` is the finder's. Raises LockError."""
    return _read_metadata(session, link).runs_with


@dataclass(frozen=True)
class _Declared:
    runs_with: tuple[Requirement, ...]
    built_with: tuple[Requirement, ...]


def _read_metadata(session: Any, link: Link) -> _Declared:
    read = _from_wheel if link.is_wheel else _from_sdist
    try:
        metadata = read(session, link)
    except _http_errors() as error:
        raise index_failure(link.filename, str(error)) from None
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise index_failure(link.filename, f"damaged: {error}") from None
    return _Declared(
        tuple(_parse_requirements(metadata.runs_with)),
        tuple(_parse_requirements(metadata.built_with)),
    )


def _from_wheel(session: Any, link: Link) -> SdistMetadata:
    try:
        file: Any = io.BufferedReader(RemoteFile(session, link.normalized), 65536)
    except RangeNotSupported:
        file = io.BytesIO(_download(session, link))
    with file, zipfile.ZipFile(file) as wheel:
        (name,) = [
            n for n in wheel.namelist() if n.endswith(".dist-info/METADATA") and n.count("/") == 1
        ]
        metadata = HeaderParser().parsestr(wheel.read(name).decode("utf-8", "replace"))
    return SdistMetadata(tuple(metadata.get_all("Requires-Dist") or ()))


def _from_sdist(session: Any, link: Link) -> SdistMetadata:
    return read_sdist(link.filename, _download(session, link))


def _download(session: Any, link: Link) -> bytes:
    import hashlib

    response = session.get(link.normalized)
    response.raise_for_status()
    data: bytes = response.content
    if hashlib.sha256(data).hexdigest() not in sha256_of(link):
        raise index_failure(link.filename, "its bytes do not match the index's own sha256")
    return data


def sha256_of(link: Link) -> list[str]:
    """The checksums that the index states for a file; none where it states none."""
    return (link.hash_option or {}).get("sha256", [])


def _http_errors() -> tuple[type[Exception], ...]:
    import httpx2

    return (httpx2.HTTPError, URLError, OSError)


def _wheels_first(files: Sequence[Package]) -> list[Package]:
    return sorted(files, key=lambda p: (not p.link.is_wheel, p.link.filename))


def _parse_requirements(texts: Iterable[str]) -> Iterator[Requirement]:
    for text in texts:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            # Metadata older than PEP 508 has `name (>=1.0)` or worse; the bound is used if any.
            requirement = Requirement(canonicalize_name(text.split()[0].split("(")[0]))
        if requirement.marker is not None and "===" in str(requirement.marker):
            # For two words that are not versions `===` means `==`, and packaging refuses it.
            requirement.marker = Marker(str(requirement.marker).replace("===", "=="))
        yield requirement
