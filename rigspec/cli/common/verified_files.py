"""Compare the Python files of a lock with their checksums before the lock is written."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rigspec.bundle.model import BundleFile
from rigspec.bundle.python_index import fetch_pypi_part
from rigspec.lock.model import Lock
from rigspec.lock.python.index.config import read_index_configuration
from rigspec.spec.models.rig import Rig

__all__ = ["verify_python_files"]

_WORKERS = 4


def verify_python_files(rig: Rig, lock: Lock) -> int:
    """Download each file that pip would install, and return their number.

    A lock has the checksums that the index declares; most files are not read to make it.

    Raises:
        LockError: A file is missing or does not match its checksum.
    """
    index = rig.mirrors.pypi or read_index_configuration()
    files = fetch_pypi_part(rig, lock.machines, index).files
    with (
        tempfile.TemporaryDirectory(prefix="rigspec-") as folder,
        ThreadPoolExecutor(_WORKERS) as pool,
    ):
        try:
            list(pool.map(_build_check(Path(folder)), files))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return len(files)


def _build_check(folder: Path) -> Callable[[BundleFile], None]:
    def check(file: BundleFile) -> None:
        path = folder / file.sha256 / file.name
        path.parent.mkdir()
        file.fetch(path)
        path.unlink()

    return check
