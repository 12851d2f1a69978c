"""Write a bundle to disk; an interrupted run is continued by the next one."""

from __future__ import annotations

import hashlib
import os
import tarfile
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from rigspec.bundle.build import Bundle
from rigspec.bundle.model import BundleFile, hash_file
from rigspec.fs.atomic_tree import (
    MANIFEST,
    TreeError,
    escapes_root,
    find_written_name,
    list_manifest,
    write_file,
)

__all__ = ["UNFINISHED", "fill_bundle", "pack_bundle"]

# In the folder while it is incomplete; lists the files that may be there.
UNFINISHED = "UNFINISHED.sha256"

# Downloads at a time.
_WORKERS = 4


def fill_bundle(folder: Path, bundle: Bundle, done: Callable[[str], None]) -> int:
    """Write the bundle to a folder, remove files of an older one, and return the bytes downloaded.

    Files that are there with the right checksum are not downloaded again.

    Args:
        folder: The folder of the bundle.
        bundle: The contents.
        done: Called with the path of each file, from this thread.

    Raises:
        LockError: A download failed.
        TreeError: The folder has files that rigspec did not write.
        OSError: The folder cannot be written.

    """
    entries = {item.path: item.sha256 for item in bundle.files}
    for listing in bundle.generated:
        entries[listing.path] = hashlib.sha256(listing.content).hexdigest()
    for name in entries:
        if escapes_root(name):
            raise TreeError(folder, f"cannot contain {name}, which is outside of it")
    known = _own_files(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / UNFINISHED, {**dict.fromkeys(known, "0" * 64), **entries})
    (folder / MANIFEST).unlink(missing_ok=True)
    fetched = _fetch_all(folder, bundle.files, done)
    for listing in bundle.generated:
        write_file(folder / listing.path, listing.content, parents=True)
    _remove_files(folder, known - entries.keys())
    _write(folder / MANIFEST, entries)
    (folder / UNFINISHED).unlink()
    return fetched


def pack_bundle(folder: Path, archive: Path) -> None:
    """Write a bundle as a tar archive: the same bytes for the same bundle, and never half of it."""
    part = archive.with_name(f".{archive.name}.part")
    mode = "w:gz" if archive.name.endswith("gz") else "w"
    try:
        with tarfile.open(part, mode, format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]
            for name in (MANIFEST, *sorted(set(list_manifest(folder / MANIFEST)) - {MANIFEST})):
                tar.add(folder / name, f"{_stem(archive)}/{name}", filter=_normalize)
        os.replace(part, archive)
    finally:
        part.unlink(missing_ok=True)


def _stem(archive: Path) -> str:
    return archive.name.partition(".tar")[0].removesuffix(".tgz")


def _normalize(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = "root"
    entry.mode = 0o644
    return entry


def _fetch_all(folder: Path, files: Iterable[BundleFile], done: Callable[[str], None]) -> int:
    total = 0
    with ThreadPoolExecutor(_WORKERS) as pool:
        waiting = {pool.submit(_fetch_one, folder, item): item for item in files}
        try:
            for future in as_completed(waiting):
                total += future.result()
                done(waiting[future].path)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return total


def _fetch_one(folder: Path, item: BundleFile) -> int:
    path = folder / item.path
    if path.is_file() and hash_file(path) == item.sha256:
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    item.fetch(path)
    return path.stat().st_size


def _own_files(folder: Path) -> set[str]:
    """Return the files of an earlier run, and remove its incomplete ones.

    Raises:
        TreeError: The folder has other files.

    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise TreeError(folder, "exists and is not a folder")
    known = {*list_manifest(folder / MANIFEST), *list_manifest(folder / UNFINISHED)}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise TreeError(folder, f"contains {name}, which is a link")
        if _is_partial(name, known):
            path.unlink()
        elif not path.is_dir() and name not in known:
            raise TreeError(folder, f"contains {name}, which rigspec did not write")
    return known - {MANIFEST, UNFINISHED}


def _is_partial(path: str, known: Collection[str]) -> bool:
    """Return whether the path is the incomplete file of a known one, such as ``.NAME.part``."""
    folder, slash, name = path.rpartition("/")
    whole = find_written_name(name) or name.removesuffix(".part").removeprefix(".")
    return whole != name and f"{folder}{slash}{whole}" in {*known, MANIFEST, UNFINISHED}


def _remove_files(folder: Path, names: Iterable[str]) -> None:
    """Remove files of an older bundle, and the folders that become empty."""
    for name in names:
        path = folder / name
        path.unlink(missing_ok=True)
        for parent in path.parents:
            if parent == folder or not parent.is_dir() or any(parent.iterdir()):
                break
            parent.rmdir()


def _write(path: Path, entries: Mapping[str, str]) -> None:
    lines = [f"{sha256}  {name}\n" for name, sha256 in sorted(entries.items())]
    write_file(path, "".join(lines).encode())
