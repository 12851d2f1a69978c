"""The suites of an archive: their signed indexes, and the lists of packages these vouch for."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import lzma
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from rigspec.lock.apt import cache
from rigspec.lock.apt.distribution import Distribution, Suite
from rigspec.lock.apt.signature import BadSignature, verified
from rigspec.lock.apt.sources import Sources
from rigspec.lock.apt.transfer import fetched
from rigspec.lock.failures import LockFailure, distrusted_index, index_failure
from rigspec.lock.model import LockedArchive
from rigspec.spec.mirrors import archive_url

__all__ = ["Archive", "open_archives", "release_at"]

_MOST_RELEASE = 32 * 1024 * 1024
# Smallest first; what each ending is unpacked with.
_FORMS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    (".xz", lzma.decompress),
    (".gz", gzip.decompress),
    ("", bytes),
)


@dataclass(frozen=True)
class Archive:
    """A suite whose signature was checked. ``files`` are the sha256 and size that it vouches for,
    by path; ``by_hash`` says that they can be asked for by their sha256. ``signed`` is its index
    as it came.
    """

    locked: LockedArchive
    root: str
    signed: bytes
    files: Mapping[str, tuple[str, int]]
    by_hash: bool

    def packages(self, component: str, architecture: str) -> bytes | None:
        """The list of packages of a component, None where there is no such. Raises LockFailure."""
        path = _list_of(component, architecture)
        plain = self.files.get(path)
        kept = cache.recalled(plain[0]) if plain is not None else None
        if kept is not None:
            return kept
        packed = self.packed(component, architecture)
        if packed is None:
            return None
        form, data = packed
        unpack = dict(_FORMS)[form.removeprefix(path)]
        return self._unpacked(data, unpack, plain, self._called(component))

    def packed(self, component: str, architecture: str) -> tuple[str, bytes] | None:
        """The path and the bytes of that list as the archive serves it. Raises LockFailure."""
        path = _list_of(component, architecture)
        forms = [path + form for form, _ in _FORMS if path + form in self.files]
        for form in forms:
            data = self._fetched(form, self._called(component))
            if data is not None:
                return form, data
        if forms:
            why = "its mirror does not have what its signed index names"
            raise index_failure(self._called(component), why)
        return None

    def _called(self, component: str) -> str:
        return f"the list of packages of {self.locked.name} {component}"

    def _fetched(self, path: str, what: str) -> bytes | None:
        sha256, size = self.files[path]
        folder = f"{self.root}/dists/{self.locked.suite}"
        hashed = f"{path.rpartition('/')[0]}/by-hash/SHA256/{sha256}"
        for place in (hashed, path) if self.by_hash else (path,):
            data = fetched(f"{folder}/{place}", what, size)
            if data is not None:
                if len(data) != size:
                    raise index_failure(what, f"{len(data)} of {size} bytes came")
                if hashlib.sha256(data).hexdigest() != sha256:
                    raise distrusted_index(what, "its sha256 is not the one that was signed")
                return data
        return None

    def _unpacked(
        self,
        data: bytes,
        unpack: Callable[[bytes], bytes],
        plain: tuple[str, int] | None,
        what: str,
    ) -> bytes:
        try:
            text = unpack(data)
        except (lzma.LZMAError, OSError, EOFError, zlib.error) as error:
            raise distrusted_index(what, f"it cannot be unpacked: {error}") from None
        if plain is not None:
            if hashlib.sha256(text).hexdigest() != plain[0]:
                raise distrusted_index(what, "unpacked, its sha256 is not the one that was signed")
            cache.keep(plain[0], text)
        return text


def open_archives(distribution: Distribution, sources: Sources) -> tuple[Archive, ...]:
    """Every suite of the distribution that the sources have, the release itself first.

    Raises LockFailure: a source that fails is never taken for one that has nothing.
    """
    with ThreadPoolExecutor(max_workers=4) as pool:
        found = list(pool.map(lambda s: _opened(distribution, s, sources), distribution.suites))
    if found[0] is None:
        what = f"the index of {_name(distribution, distribution.suites[0])}"
        raise index_failure(what, "none of the archives that are configured has it")
    return tuple(archive for archive in found if archive is not None)


def release_at(root: str, suite: str, what: str) -> bytes | None:
    """The signed index of a suite, unread; None where there is none. Raises LockFailure."""
    return fetched(f"{root}/dists/{suite}/InRelease", what, _MOST_RELEASE)


def _opened(distribution: Distribution, suite: Suite, sources: Sources) -> Archive | None:
    what = f"the index of {_name(distribution, suite)}"
    for template in sources.roots:
        root = archive_url(template, suite.archive, sources.snapshot)
        data = release_at(root, suite.name, what)
        if data is None:
            continue
        if sources.optional and f"\nOrigin: {distribution.origin}\n".encode() not in data:
            continue  # another distribution's archive beside, with a suite of that name
        try:
            text, keys = verified(data, Path(distribution.keyring), distribution.keys)
        except BadSignature as error:
            raise distrusted_index(what, str(error)) from None
        return _read(distribution, suite, root, data, text, keys, sources.check_dates)
    return None


def _read(
    distribution: Distribution,
    suite: Suite,
    root: str,
    data: bytes,
    text: bytes,
    keys: tuple[str, ...],
    check_dates: bool,
) -> Archive:
    from debian.deb822 import Release

    what = f"the index of {_name(distribution, suite)}"
    release: Any = Release(text)
    if release.get("Origin") != distribution.origin:
        raise distrusted_index(what, f"it is of {release.get('Origin', 'nobody')}")
    if suite.name not in (release.get("Codename"), release.get("Suite")):
        raise distrusted_index(what, f"it is that of {release.get('Codename', 'no suite')}")
    try:
        released = _iso(release["Date"])
        until = _iso(release["Valid-Until"]) if "Valid-Until" in release else None
        files = {row["name"]: (row["sha256"], int(row["size"])) for row in release["SHA256"]}
    except (KeyError, ValueError, TypeError):
        raise distrusted_index(what, "it has no date or no checksums") from None
    if check_dates and until is not None and until < _iso_now():
        raise _expired(what, until)
    locked = LockedArchive(
        name=_name(distribution, suite),
        distribution=suite.archive,
        suite=suite.name,
        components=(),
        released=released,
        release_sha256=hashlib.sha256(data).hexdigest(),
        key_fingerprints=keys,
        valid_until=until,
        promise=distribution.promise,
        keyring=distribution.keyring,
    )
    return Archive(locked, root, data, files, release.get("Acquire-By-Hash", "no") == "yes")


def _list_of(component: str, architecture: str) -> str:
    return f"{component}/binary-{architecture}/Packages"


def _name(distribution: Distribution, suite: Suite) -> str:
    return f"{distribution.name}/{suite.name}"


def _expired(what: str, until: str) -> LockFailure:
    return distrusted_index(what, f"it was valid until {until}: its mirror is out of date")


def _iso(date: str) -> str:
    """A Release's date as ISO 8601 in UTC; two of them compare as text."""
    told = parsedate_to_datetime(date)
    utc = told if told.tzinfo is None else told.astimezone(dt.timezone.utc)
    return f"{utc:%Y-%m-%dT%H:%M:%SZ}"


def _iso_now() -> str:
    return f"{dt.datetime.now(dt.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
