"""The downloads of a lock, in one folder by file name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rigspec.bundle.model import BundleFile, BundlePart, MissingItem, write_verified
from rigspec.lock.errors import index_failure, report_failed_transfer
from rigspec.lock.model import LockedFile, LockedMachine

__all__ = ["fetch_downloads_part", "fetch_file"]

_FOLDER = "files"
_TIMEOUT_S = 60.0
_BLOCK = 1 << 20


def fetch_downloads_part(machines: Iterable[LockedMachine]) -> BundlePart:
    """Return every download of these machines, without duplicates."""
    files = {file for machine in machines for file in (*machine.files, *_list_packages(machine))}
    by_name: dict[str, LockedFile] = {}
    missing = []
    for file in sorted(files, key=lambda file: (file.name, file.sha256)):
        other = by_name.setdefault(file.name, file)
        if other.sha256 != file.sha256:
            missing.append(MissingItem(file.name, "two downloads of the lock have this name"))
    wanted = tuple(
        BundleFile(
            f"{_FOLDER}/{file.name}", file.sha256, partial(fetch_file, file.url, file.sha256)
        )
        for file in by_name.values()
    )
    return BundlePart(wanted, (), tuple(missing), (("files", _FOLDER),) if wanted else ())


def _list_packages(machine: LockedMachine) -> Iterator[LockedFile]:
    """Yield the files of packages that no index has."""
    for env in machine.envs:
        for package in env.packages:
            if package.url is not None:
                url = package.url.partition("#")[0]
                yield LockedFile(package.file_name, url, package.sha256[0], "lock")


def fetch_file(url: str, sha256: str, to: Path) -> None:
    """Download an address to a file and verify it.

    Raises:
        LockError: The server failed, or the checksum does not match.

    """
    with write_verified(to, sha256) as write:
        if urlsplit(url).scheme == "file":
            write(_local(to.name, unquote(urlsplit(url).path)))
        else:
            write(_remote(to.name, url))


def _local(name: str, path: str) -> Iterator[bytes]:
    try:
        with open(path, "rb") as file:
            while block := file.read(_BLOCK):
                yield block
    except OSError as error:
        raise index_failure(name, error.strerror or "cannot be read") from None


def _remote(name: str, url: str) -> Iterator[bytes]:
    from rigspec.net.http import (
        WEB_ERRORS,
        create_web_client,
        describe_status,
        iter_body,
        stream_response,
    )

    try:
        with create_web_client() as client, stream_response(client, url, _TIMEOUT_S) as response:
            if response.status_code != 200:
                raise index_failure(name, describe_status(response))
            yield from iter_body(response)
    except WEB_ERRORS as error:
        raise report_failed_transfer(name, error) from None
