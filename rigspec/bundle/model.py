"""The contents of a bundle: files with checksums, generated indexes, and missing items."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rigspec.lock.errors import index_failure

__all__ = [
    "BundleFile",
    "BundlePart",
    "GeneratedFile",
    "Item",
    "MissingItem",
    "ServedIndex",
    "create_part",
    "hash_file",
    "write_verified",
]

_BLOCK = 1 << 20


@dataclass(frozen=True)
class BundleFile:
    """A file of the bundle.

    ``fetch`` writes the verified file to a path, or raises LockError and leaves no file.
    """

    path: str
    sha256: str
    fetch: Callable[[Path], None]

    @property
    def name(self) -> str:
        """The file name, for messages."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class GeneratedFile:
    """A file that rigspec writes, such as an index page or a package list."""

    path: str
    content: bytes


@dataclass(frozen=True)
class MissingItem:
    """An item of the lock that cannot be included, and the reason."""

    what: str
    reason: str


@dataclass(frozen=True)
class ServedIndex:
    """An index of the spec that a bundle serves: its name, the folder, and its ``packages``."""

    name: str
    folder: str
    packages: tuple[str, ...] = ()


@dataclass(frozen=True)
class BundlePart:
    """The files of one kind of source; ``mirrors`` are keys of ``[mirrors]`` and their folders.

    ``indexes`` are those of the spec, ``[index.NAME]``, that it serves.
    """

    files: tuple[BundleFile, ...] = ()
    generated: tuple[GeneratedFile, ...] = ()
    missing: tuple[MissingItem, ...] = ()
    mirrors: tuple[tuple[str, str], ...] = ()
    indexes: tuple[ServedIndex, ...] = ()


Item = BundleFile | GeneratedFile | MissingItem


def create_part(found: Iterable[Item], *mirrors: tuple[str, str]) -> BundlePart:
    """Return the items as a part, without duplicates; it has mirrors only if it has files."""
    items = tuple(dict.fromkeys(found))
    files = tuple(item for item in items if isinstance(item, BundleFile))
    return BundlePart(
        files,
        tuple(item for item in items if isinstance(item, GeneratedFile)),
        tuple(item for item in items if isinstance(item, MissingItem)),
        mirrors if files else (),
    )


@contextmanager
def write_verified(to: Path, sha256: str) -> Iterator[Callable[[Iterable[bytes]], None]]:
    """Write blocks to a file that is created only if their checksum matches.

    Raises:
        LockError: The checksum does not match.

    """
    part = to.with_name(f".{to.name}.part")

    def write(blocks: Iterable[bytes]) -> None:
        with open(part, "wb") as file:
            found = _copy_and_hash(blocks, file)
        if found != sha256:
            raise index_failure(to.name, f"checksum mismatch: expected {sha256}, got {found}")
        os.replace(part, to)

    try:
        yield write
    finally:
        part.unlink(missing_ok=True)


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _copy_and_hash(blocks: Iterable[bytes], file: BinaryIO) -> str:
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block)
        file.write(block)
    file.flush()
    os.fsync(file.fileno())
    return digest.hexdigest()
