"""A dnf repository: its index, verified down to the lists of its packages.

The index, ``repomd.xml``, has the checksum of every list. It is trusted by the signature of the
repository's key; one without a signature is trusted only from HTTPS or the local machine, and
then by the packages' own signatures when they are installed.
"""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import hashlib
import io
import lzma
import os
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rigspec.lock.apt.download import download
from rigspec.lock.apt.gpg import (
    BadKey,
    BadSignature,
    can_read_keys,
    can_verify,
    create_keyring,
    read_fingerprint,
    verify_detached,
)
from rigspec.lock.apt.third_party import RepositoryUnavailable, require_answer
from rigspec.lock.errors import index_failure, report_untrusted_index
from rigspec.lock.model import LockedRepository
from rigspec.lock.nvidia_repository import NVIDIA_REPOSITORY
from rigspec.spec.mirror_urls import build_mirror_url
from rigspec.spec.models.mirrors import Mirrors

__all__ = ["DnfIndex", "PackageListFile", "open_dnf_repository", "open_for_solv"]

_VARIABLE, _NVIDIA_VARIABLE = "RIGSPEC_DNF", "RIGSPEC_NVIDIA"
_MOST_KEY = _MOST_INDEX = 1024 * 1024
_MOST_LIST = 256 * 1024 * 1024


@dataclass(frozen=True)
class PackageListFile:
    """A list of the index, verified; the name ends in its compression: ``primary.xml.gz``."""

    name: str
    data: bytes

    def decompress(self) -> bytes:
        """Return its text. Raises LockError if the compression is unknown."""
        if not self.name.endswith((".gz", ".xz", ".bz2")):
            if self.name.endswith((".yaml", ".xml")):
                return self.data
            raise index_failure(f"the list {self.name}", "its compression is not supported")
        module = {"gz": gzip, "xz": lzma, "bz2": bz2}[self.name.rpartition(".")[2]]
        try:
            with module.open(io.BytesIO(self.data)) as file:
                return bytes(file.read(_MOST_LIST))
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
            raise index_failure(f"the list {self.name}", str(error)) from None


@dataclass(frozen=True)
class DnfIndex:
    """The verified index of a repository.

    ``locked`` has its moment, its checksum and that of the key. ``modules`` is the list of module
    streams; None if the repository has none. ``fetch_files`` returns the list of all files, of
    which the first list has those of the usual folders only; it may raise LockError.
    """

    locked: LockedRepository
    primary: PackageListFile
    modules: PackageListFile | None
    fetch_files: Callable[[], PackageListFile | None]


def open_dnf_repository(repository: LockedRepository, mirrors: Mirrors) -> DnfIndex:
    """Fetch and verify the index of a repository. Raises RepositoryUnavailable or LockError."""
    is_nvidia = repository.name == NVIDIA_REPOSITORY
    variable = _NVIDIA_VARIABLE if is_nvidia else _VARIABLE
    mirror = mirrors.nvidia if is_nvidia else mirrors.dnf
    named = mirror if mirror is not None else os.environ.get(variable)
    if named == "":
        raise RepositoryUnavailable(f"the environment variable {variable} is empty")
    for program, there in (("gpgv", can_verify()), ("gpg", can_read_keys())):
        if not there:
            why = f"`{program}` is not installed, so signatures cannot be verified"
            raise RepositoryUnavailable(why)
    url, key_url = repository.url, repository.key_url
    if named is not None:
        url, key_url = build_mirror_url(url, named), build_mirror_url(key_url, named)
    else:
        require_answer(f"{url}/repodata/repomd.xml")
    what = f"the index of the repository {repository.name}"
    index = _require(download(f"{url}/repodata/repomd.xml", what, _MOST_INDEX), what)
    called = f"the key of the repository {repository.name}"
    key = _require(download(key_url, called, _MOST_KEY), called)
    signature = download(f"{url}/repodata/repomd.xml.asc", what, _MOST_INDEX)
    _verify(repository, url, index, signature, key)
    listed = _ListedFiles(url, index, what)
    moment = dt.datetime.fromtimestamp(listed.timestamp, dt.timezone.utc)
    return DnfIndex(
        locked=replace(
            repository,
            released=moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            release_sha256=hashlib.sha256(index).hexdigest(),
            key_sha256=hashlib.sha256(key).hexdigest(),
            signed_index=signature is not None or None,
        ),
        primary=_require(listed.fetch("primary"), what),
        modules=listed.fetch("modules"),
        fetch_files=partial(listed.fetch, "filelists"),
    )


def _require(found: Any, what: str) -> Any:
    if found is None:
        raise index_failure(what, "it is not at its place")
    return found


def _verify(
    repository: LockedRepository, url: str, index: bytes, signature: bytes | None, key: bytes
) -> None:
    """Check the key, and the signature of the index. Raises LockError."""
    what = f"the index of the repository {repository.name}"
    try:
        fingerprint = repository.key_fingerprint or _find_fingerprint(repository, key)
        with create_keyring(key, fingerprint) as keyring:
            if signature is None:
                _require_safe_transfer(url, what)
                return
            verify_detached(index, signature, keyring, frozenset({fingerprint}))
    except BadKey as error:
        called = f"the key of the repository {repository.name}"
        raise report_untrusted_index(called, str(error)) from None
    except BadSignature as error:
        raise report_untrusted_index(what, str(error)) from None


def _find_fingerprint(repository: LockedRepository, key: bytes) -> str:
    """Return the fingerprint of a key that is known by the checksum of its text. Raises BadKey."""
    lines = (line for line in key.splitlines(keepends=True) if not line.startswith(b"Version"))
    if hashlib.sha256(b"".join(lines)).hexdigest() != repository.key_text_sha256:
        raise BadKey("its checksum is not the one that the matrix has")
    return read_fingerprint(key)


def _require_safe_transfer(url: str, what: str) -> None:
    from rigspec.net.http import is_loopback

    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise report_untrusted_index(what, "it is not signed, and its address is not HTTPS")


class _ListedFiles:
    """The lists that an index names, as libsolv reads it."""

    def __init__(self, url: str, index: bytes, what: str) -> None:
        import solv

        self._solv, self._url, self._what = solv, url, what
        self._pool = solv.Pool()
        self._repo = self._pool.add_repo("index")
        with open_for_solv("repomd.xml", index) as file:
            if not self._repo.add_repomdxml(file, 0):
                raise report_untrusted_index(what, "it cannot be read")

    @property
    def timestamp(self) -> int:
        """Return the newest time of its lists, in seconds."""
        found = self._repo.meta.lookup_num(self._solv.REPOSITORY_TIMESTAMP)
        return int(found or 0)

    def fetch(self, kind: str) -> PackageListFile | None:
        """Return a list by its kind, verified; None if the index has none. Raises LockError."""
        solv = self._solv
        flags = solv.Dataiterator.SEARCH_STRING
        found = self._repo.Dataiterator_meta(solv.REPOSITORY_REPOMD_TYPE, kind, flags)
        found.prepend_keyname(solv.REPOSITORY_REPOMD)
        for each in found:
            position = each.parentpos()
            path = position.lookup_str(solv.REPOSITORY_REPOMD_LOCATION)
            checksum = position.lookup_checksum(solv.REPOSITORY_REPOMD_CHECKSUM)
            if not path or checksum is None or checksum.typestr() not in ("sha256", "sha512"):
                raise report_untrusted_index(self._what, f"its list {kind} has no strong checksum")
            data = download(f"{self._url}/{path}", self._what, _MOST_LIST)
            if data is None:
                raise index_failure(self._what, f"its list {kind} is not at its place")
            if hashlib.new(checksum.typestr(), data).hexdigest() != checksum.hex():
                raise report_untrusted_index(self._what, f"checksum mismatch of its list {kind}")
            return PackageListFile(Path(path).name, data)
        return None


@contextmanager
def open_for_solv(name: str, data: bytes) -> Iterator[Any]:
    """Yield bytes as libsolv reads files: by descriptor, decompressed as the name says."""
    import solv

    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        file.seek(0)
        stream = solv.xfopen_fd(name, file.fileno())
        try:
            yield stream
        finally:
            stream.close()
