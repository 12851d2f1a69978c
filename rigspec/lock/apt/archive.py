"""The suites of an archive: their signed indexes and the package lists that these cover."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import zlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from rigspec.lock.apt import index_cache
from rigspec.lock.apt.distribution import Distribution, Suite
from rigspec.lock.apt.download import download
from rigspec.lock.apt.index_verification import MOST, verify_distribution_index
from rigspec.lock.apt.sources import Sources
from rigspec.lock.errors import index_failure, report_untrusted_index
from rigspec.lock.model import LockedArchive
from rigspec.spec.mirror_urls import build_archive_url

__all__ = ["Archive", "open_archives", "read_release"]

# Smallest first; what each ending is unpacked with.
_FORMS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    (".xz", lzma.decompress),
    (".gz", gzip.decompress),
    ("", bytes),
)


@dataclass(frozen=True)
class Archive:
    """A suite with a verified signature. ``files`` are the sha256 and size that it states,
    by path; ``by_hash``: the server has them by their sha256, too. ``signed`` are the files
    of its index as downloaded, by name.

    A suite with a name that ends in a slash is flat, as in apt: a folder below the root, without
    components.
    """

    locked: LockedArchive
    root: str
    signed: Mapping[str, bytes]
    files: Mapping[str, tuple[str, int]]
    by_hash: bool

    @property
    def folder(self) -> str:
        """The address of the folder of its index."""
        suite = self.locked.suite
        return f"{self.root}/{suite}".rstrip("/") if self._flat else f"{self.root}/dists/{suite}"

    def packages(self, component: str, architecture: str) -> bytes | None:
        """Return the package list of a component; None where there is no such. Raises LockError."""
        path = self._list_of(component, architecture)
        plain = self.files.get(path)
        cached = index_cache.load_cached_index(plain[0]) if plain is not None else None
        if cached is not None:
            return cached
        packed = self.compressed_list(component, architecture)
        if packed is None:
            return None
        form, data = packed
        unpack = dict(_FORMS)[form.removeprefix(path)]
        return self._unpack(data, unpack, plain, self._list_path(component))

    def compressed_list(self, component: str, architecture: str) -> tuple[str, bytes] | None:
        """Return the path and the bytes of that list as the archive serves it. Raises LockError."""
        path = self._list_of(component, architecture)
        forms = [path + form for form, _ in _FORMS if path + form in self.files]
        for form in forms:
            data = self._fetch(form, self._list_path(component))
            if data is not None:
                return form, data
        if forms:
            why = "its mirror lacks a file of its signed index"
            raise index_failure(self._list_path(component), why)
        return None

    @property
    def _flat(self) -> bool:
        return self.locked.suite.endswith("/")

    def _list_of(self, component: str, architecture: str) -> str:
        return "Packages" if self._flat else f"{component}/binary-{architecture}/Packages"

    def _list_path(self, component: str) -> str:
        return f"the list of packages of {self.locked.name} {component}".rstrip()

    def _fetch(self, path: str, what: str) -> bytes | None:
        sha256, size = self.files[path]
        hashed = f"{path.rpartition('/')[0]}/by-hash/SHA256/{sha256}".lstrip("/")
        for place in (hashed, path) if self.by_hash else (path,):
            data = download(f"{self.folder}/{place}", what, size)
            if data is not None:
                if len(data) != size:
                    raise index_failure(what, f"received {len(data)} of {size} bytes")
                if hashlib.sha256(data).hexdigest() != sha256:
                    raise report_untrusted_index(what, "its sha256 is not the one that was signed")
                return data
        return None

    def _unpack(
        self,
        data: bytes,
        unpack: Callable[[bytes], bytes],
        plain: tuple[str, int] | None,
        what: str,
    ) -> bytes:
        try:
            text = unpack(data)
        except (lzma.LZMAError, OSError, EOFError, zlib.error) as error:
            raise report_untrusted_index(what, f"it cannot be unpacked: {error}") from None
        if plain is not None:
            if hashlib.sha256(text).hexdigest() != plain[0]:
                raise report_untrusted_index(
                    what, "unpacked, its sha256 is not the one that was signed"
                )
            index_cache.store_index(plain[0], text)
        return text


def open_archives(distribution: Distribution, sources: Sources) -> tuple[Archive, ...]:
    """Return every suite of the distribution that the sources have, the release itself first.

    Raises:
        LockError: A source failed; it is never treated as an empty one.

    """
    with ThreadPoolExecutor(max_workers=4) as pool:
        found = list(pool.map(lambda s: _open(distribution, s, sources), distribution.suites))
    if found[0] is None:
        what = f"the index of {_name(distribution, distribution.suites[0])}"
        raise index_failure(what, "no configured archive has it")
    return tuple(archive for archive in found if archive is not None)


def read_release(root: str, suite: str, what: str) -> bytes | None:
    """Return the signed index of a suite, not parsed; None where there is none."""
    return download(f"{root}/dists/{suite}/InRelease", what, MOST)


def _open(distribution: Distribution, suite: Suite, sources: Sources) -> Archive | None:
    what = f"the index of {_name(distribution, suite)}"
    for template in sources.roots:
        root = build_archive_url(template, suite.archive, sources.snapshot)
        data = read_release(root, suite.name, what)
        if data is None:
            continue
        if sources.optional and f"\nOrigin: {distribution.origin}\n".encode() not in data:
            continue  # another distribution's archive has a suite of that name
        index, keys = verify_distribution_index(
            data, distribution, suite, what, check_dates=sources.check_dates
        )
        locked = LockedArchive(
            name=_name(distribution, suite),
            distribution=suite.archive,
            suite=suite.name,
            components=(),
            released=index.released,
            release_sha256=hashlib.sha256(data).hexdigest(),
            key_fingerprints=keys,
            valid_until=index.valid_until,
            promise=distribution.promise,
            keyring=distribution.keyring,
        )
        return Archive(locked, root, {"InRelease": data}, index.files, index.by_hash)
    return None


def _name(distribution: Distribution, suite: Suite) -> str:
    return f"{distribution.name}/{suite.name}"
