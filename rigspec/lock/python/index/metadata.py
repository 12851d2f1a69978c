"""The metadata of a wheel or a source archive, read from the index without installing it."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import Any

from packaging.markers import Marker
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from unearth import Link

from rigspec.lock.errors import index_failure
from rigspec.lock.python.index.pages import convert_http_errors, hash_bytes
from rigspec.lock.python.index.remote_zip import RangeNotSupported, RemoteFile
from rigspec.lock.python.index.sdist import SdistMetadata, read_sdist

__all__ = ["FileMetadata", "read_metadata"]


@dataclass(frozen=True)
class FileMetadata:
    """The run-time requirements of a file; of a source archive also those of its build, whether
    it computes more of them, the languages of its extension modules, and whether it is a stub whose
    build downloads a wheel.
    """

    runs_with: tuple[Requirement, ...]
    built_with: tuple[Requirement, ...] = ()
    computes_requirements: bool = False
    languages: frozenset[str] = frozenset()
    is_stub: bool = False


def read_metadata(session: Any, link: Link) -> FileMetadata:
    """Return the metadata of a file; ``session`` is the finder's. Raises LockError."""
    read = _read_wheel if link.is_wheel else _read_sdist
    try:
        metadata = read(session, link)
    except convert_http_errors() as error:
        raise index_failure(link.filename, str(error)) from None
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise index_failure(link.filename, f"damaged: {error}") from None
    return FileMetadata(
        tuple(_parse_requirements(metadata.runs_with)),
        tuple(_parse_requirements(metadata.built_with)),
        metadata.computes_requirements,
        metadata.languages,
        metadata.is_stub,
    )


def _read_wheel(session: Any, link: Link) -> SdistMetadata:
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


def _read_sdist(session: Any, link: Link) -> SdistMetadata:
    return read_sdist(link.filename, _download(session, link))


def _download(session: Any, link: Link) -> bytes:
    response = session.get(link.normalized)
    response.raise_for_status()
    data: bytes = response.content
    if hashlib.sha256(data).hexdigest() not in hash_bytes(link):
        raise index_failure(link.filename, "its bytes do not match the index's own sha256")
    return data


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
