"""What a bundle holds: files that are vouched for, and the lists that lead to them."""

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
    "GeneratedFile",
    "Item",
    "MissingItem",
    "Part",
    "part_of",
    "sha256_of_file",
    "write_verified",
]

_BLOCK = 1 << 20


@dataclass(frozen=True)
class BundleFile:
    """A file of the bundle: its ``path`` there and what must be in it. ``fetch`` brings it to the
    place it is given, checked, or raises LockError and leaves nothing there.
    """

    path: str
    sha256: str
    fetch: Callable[[Path], None]

    @property
    def name(self) -> str:
        """As it is told to a person."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class GeneratedFile:
    """A small file that is made for the bundle: an index page, a channel's list."""

    path: str
    content: bytes


@dataclass(frozen=True)
class MissingItem:
    """What the lock names and the bundle cannot have, and why."""

    what: str
    reason: str


@dataclass(frozen=True)
class Part:
    """One kind of source: ``mirrors`` are the keys of ``[mirrors]`` with the folder each names."""

    wanted: tuple[BundleFile, ...] = ()
    listings: tuple[GeneratedFile, ...] = ()
    absent: tuple[MissingItem, ...] = ()
    mirrors: tuple[tuple[str, str], ...] = ()


Item = BundleFile | GeneratedFile | MissingItem


def part_of(found: Iterable[Item], *mirrors: tuple[str, str]) -> Part:
    """What was found as a part, each thing once; it has the mirrors only if there is a file."""
    items = tuple(dict.fromkeys(found))
    wanted = tuple(item for item in items if isinstance(item, BundleFile))
    return Part(
        wanted,
        tuple(item for item in items if isinstance(item, GeneratedFile)),
        tuple(item for item in items if isinstance(item, MissingItem)),
        mirrors if wanted else (),
    )


@contextmanager
def write_verified(to: Path, sha256: str) -> Iterator[Callable[[Iterable[bytes]], None]]:
    """Write blocks to a file that appears only if they have that checksum. Raises LockError."""
    part = to.with_name(f".{to.name}.part")

    def write(blocks: Iterable[bytes]) -> None:
        with open(part, "wb") as file:
            found = _copied(blocks, file)
        if found != sha256:
            raise index_failure(to.name, "the bytes that came are not those of the lock's checksum")
        os.replace(part, to)

    try:
        yield write
    finally:
        part.unlink(missing_ok=True)


def sha256_of_file(path: Path) -> str:
    """The checksum of a file on disk, in hex."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _copied(blocks: Iterable[bytes], file: BinaryIO) -> str:
    digest = hashlib.sha256()
    for block in blocks:
        digest.update(block)
        file.write(block)
    file.flush()
    os.fsync(file.fileno())
    return digest.hexdigest()
