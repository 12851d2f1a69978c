"""A bundle on disk: filled in its place, again and again until it is whole."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from rigspec.bundle.build import Bundle
from rigspec.bundle.model import BundleFile, sha256_of_file
from rigspec.fs.atomic_tree import MANIFEST, TreeError, escapes_root, listed

__all__ = ["UNFINISHED", "fill", "packed"]

# Stands in a folder from the first byte to the last, and lists what may be there.
UNFINISHED = "UNFINISHED.sha256"

# Servers are asked for this many files at a time.
_AT_ONCE = 4


def fill(folder: Path, bundle: Bundle, done: Callable[[str], None]) -> int:
    """Bring the folder to hold the bundle and nothing of an older one; the bytes that were fetched.

    What is there already and right is not fetched again: a run that was cut short is gone on with.
    ``done`` is called with the path of each file, from this thread. Raises LockError, TreeError
    for a folder with files that no bundle has, and OSError where it cannot be written.
    """
    entries = {item.path: item.sha256 for item in bundle.wanted}
    for listing in bundle.listings:
        entries[listing.path] = hashlib.sha256(listing.content).hexdigest()
    for name in entries:
        if escapes_root(name):
            raise TreeError(folder, f"may not hold {name}, which leads out of it")
    known = _own_files(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / UNFINISHED, {**dict.fromkeys(known, "0" * 64), **entries})
    (folder / MANIFEST).unlink(missing_ok=True)
    fetched = _fetched(folder, bundle.wanted, done)
    for listing in bundle.listings:
        path = folder / listing.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(listing.content)
    _sweep(folder, known - entries.keys())
    _write(folder / MANIFEST, entries)
    (folder / UNFINISHED).unlink()
    return fetched


def packed(folder: Path, archive: Path) -> None:
    """Write a tar archive of a bundle, the same bytes for the same bundle; it appears whole."""
    part = archive.with_name(f".{archive.name}.part")
    mode = "w:gz" if archive.name.endswith("gz") else "w"
    try:
        with tarfile.open(part, mode, format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
            for name in (MANIFEST, *sorted(set(listed(folder / MANIFEST)) - {MANIFEST})):
                tar.add(folder / name, f"{_stem(archive)}/{name}", filter=_plain)
        os.replace(part, archive)
    finally:
        part.unlink(missing_ok=True)


def _stem(archive: Path) -> str:
    return archive.name.partition(".tar")[0].removesuffix(".tgz")


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o644
    return entry


def _fetched(folder: Path, wanted: Iterable[BundleFile], done: Callable[[str], None]) -> int:
    total = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        waiting = {pool.submit(_brought, folder, item): item for item in wanted}
        try:
            for future in as_completed(waiting):
                total += future.result()
                done(waiting[future].path)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return total


def _brought(folder: Path, item: BundleFile) -> int:
    path = folder / item.path
    if path.is_file() and sha256_of_file(path) == item.sha256:
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    item.fetch(path)
    return path.stat().st_size


def _own_files(folder: Path) -> set[str]:
    """What an earlier run has left there. Raises TreeError where there is anything else."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise TreeError(folder, "is there already and is no plain folder")
    known = {*listed(folder / MANIFEST), *listed(folder / UNFINISHED)}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise TreeError(folder, f"holds {name}, which is a link")
        if _is_begun(name, known):
            path.unlink()
        elif not path.is_dir() and name not in known:
            raise TreeError(folder, f"holds {name}, which rigspec did not write")
    return known - {MANIFEST, UNFINISHED}


def _is_begun(path: str, known: Collection[str]) -> bool:
    """Whether it is a known file as far as a run had come that was killed: ``.NAME.part``."""
    folder, slash, name = path.rpartition("/")
    whole = name.removesuffix(".part")
    return whole != name and f"{folder}{slash}{whole.removeprefix('.')}" in known


def _sweep(folder: Path, names: Iterable[str]) -> None:
    """Remove files of an older bundle, and folders that are empty then."""
    for name in names:
        path = folder / name
        path.unlink(missing_ok=True)
        for parent in path.parents:
            if parent == folder or not parent.is_dir() or any(parent.iterdir()):
                break
            parent.rmdir()


def _write(path: Path, entries: Mapping[str, str]) -> None:
    lines = [f"{sha256}  {name}\n" for name, sha256 in sorted(entries.items())]
    path.write_text("".join(lines), encoding="utf-8")
