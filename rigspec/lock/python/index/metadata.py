"""The metadata of a wheel or a source archive, read from the index without installing it."""

from __future__ import annotations

import hashlib
import io
import lzma
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import IO, Any

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from unearth import Link

from rigspec.lock.errors import index_failure, report_failed_transfer
from rigspec.lock.python.index.pages import convert_http_errors, hash_bytes
from rigspec.lock.python.index.remote_zip import RangeNotSupported, RemoteFile
from rigspec.lock.python.index.sdist import MOST_MEMBER, SdistMetadata, read_sdist
from rigspec.net.http import build_limit
from rigspec.net.limits import TransferLimit

__all__ = ["DAMAGED_ARCHIVE", "FileMetadata", "parse_requirements", "read_metadata"]

# What reading an archive raises that is cut off or is something else.
DAMAGED_ARCHIVE = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error, EOFError),
    *(ValueError, LookupError, NotImplementedError, RuntimeError, OverflowError),
)
# A source archive is read into memory.
_SDIST = TransferLimit(1 << 30)
_WHEEL = TransferLimit(16 << 30)


@dataclass(frozen=True)
class FileMetadata:
    """The run-time requirements of a file; of a source archive also those of its build, whether
    it computes more of them, the languages of its extension modules, whether it is a stub whose
    build downloads a wheel, and whether its build downloads crates at any version.
    """

    runs_with: tuple[Requirement, ...]
    built_with: tuple[Requirement, ...] = ()
    computes_requirements: bool = False
    languages: frozenset[str] = frozenset()
    is_stub: bool = False
    has_open_crates: bool = False


def read_metadata(session: Any, link: Link) -> FileMetadata:
    """Return the metadata of a file; ``session`` is the finder's. Raises LockError."""
    read = _read_wheel if link.is_wheel else _read_sdist
    try:
        metadata = read(session, link)
    except DAMAGED_ARCHIVE as error:
        raise index_failure(link.filename, f"damaged: {error}") from None
    except convert_http_errors() as error:
        raise report_failed_transfer(link.filename, error) from None
    return FileMetadata(
        tuple(parse_requirements(metadata.runs_with)),
        tuple(parse_requirements(metadata.built_with)),
        metadata.computes_requirements,
        metadata.languages,
        metadata.is_stub,
        metadata.has_open_crates,
    )


def _read_wheel(session: Any, link: Link) -> SdistMetadata:
    with _open_wheel(session, link) as file, zipfile.ZipFile(file) as wheel:
        members = [
            member
            for member in wheel.infolist()
            if member.filename.endswith(".dist-info/METADATA") and member.filename.count("/") == 1
        ]
        if len(members) != 1:
            raise zipfile.BadZipFile(f"it has {len(members)} files of metadata")
        if members[0].file_size > MOST_MEMBER:
            raise zipfile.BadZipFile("its metadata is too large")
        metadata = HeaderParser().parsestr(wheel.read(members[0]).decode("utf-8", "replace"))
    return SdistMetadata(tuple(metadata.get_all("Requires-Dist") or ()))


@contextmanager
def _open_wheel(session: Any, link: Link) -> Iterator[Any]:
    """Open a wheel on the server, or a copy where the server sends whole files only."""
    try:
        remote = io.BufferedReader(RemoteFile(session, link.normalized), 65536)
    except RangeNotSupported:
        with tempfile.TemporaryFile(prefix="rigspec-") as file:
            _download(session, link, _WHEEL, file)
            yield file
        return
    with remote:
        yield remote


def _read_sdist(session: Any, link: Link) -> SdistMetadata:
    file = io.BytesIO()
    _download(session, link, _SDIST, file)
    return read_sdist(link.filename, file.getvalue())


def _download(session: Any, link: Link, limit: TransferLimit, file: IO[bytes]) -> None:
    """Write a file of the index, verified by the index's own checksum."""
    # The bytes that are hashed are those of the file.
    plain = {"Accept-Encoding": "identity"}
    found = hashlib.sha256()
    with session.stream(
        "GET", link.normalized, headers=plain, extensions=build_limit(limit)
    ) as response:
        response.raise_for_status()
        for block in response.iter_raw():
            found.update(block)
            file.write(block)
    if found.hexdigest() not in hash_bytes(link):
        raise index_failure(link.filename, "its bytes do not match the index's own sha256")


def parse_requirements(texts: Iterable[str]) -> Iterator[Requirement]:
    """Yield the requirements that these texts of metadata state."""
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
