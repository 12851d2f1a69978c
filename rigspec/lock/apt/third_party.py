"""A third-party repository: one flat folder, its index signed by one key.

Its address is in the matrix and may be unreachable. One that the
spec (`[mirrors] nvidia`) or the environment names must answer, and correctly. Any answer
must be signed by the key that the matrix names, whatever its address.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rigspec.lock.apt.archive import Archive
from rigspec.lock.apt.download import download
from rigspec.lock.apt.gpg import can_read_keys, can_verify
from rigspec.lock.apt.index_verification import MOST, verify_repository_index
from rigspec.lock.errors import index_failure, report_untrusted_index
from rigspec.lock.model import LockedArchive, LockedRepository
from rigspec.spec.mirror_urls import build_mirror_url

__all__ = [
    "Repository",
    "RepositoryUnavailable",
    "ThirdPartyIndexes",
    "ThirdPartyRepositoryCache",
    "open_repository",
    "require_answer",
]

_VARIABLE = "RIGSPEC_NVIDIA"
_MOST_KEY = 1024 * 1024
# For an address that the user did not choose: name lookup, connection and first bytes.
_PATIENCE_S = 5.0
_ABSENT = (404, 410)


class RepositoryUnavailable(Exception):
    """The index, which the user did not configure, is unreachable; the message states why."""


@dataclass(frozen=True)
class Repository:
    """A repository with a verified index: ``key`` is the file of its key as downloaded."""

    archive: Archive
    key: bytes


@dataclass(frozen=True)
class ThirdPartyIndexes:
    """The repositories of one machine.

    If one is unreachable, ``why_not`` is the reason and ``archives`` is empty.
    """

    repositories: tuple[LockedRepository, ...] = ()
    archives: tuple[Archive, ...] = ()
    why_not: str | None = None


@dataclass(frozen=True)
class ThirdPartyRepositoryCache:
    """The repositories of a rig's machines, each fetched once."""

    mirror: str | None
    _known: dict[str, Repository | str] = field(default_factory=dict)

    def of(self, repositories: Sequence[LockedRepository]) -> ThirdPartyIndexes:
        """Return these repositories with their indexes. Raises LockError."""
        found = [self._open_cached(repository) for repository in repositories]
        why_not = next((each for each in found if isinstance(each, str)), None)
        if why_not is not None:
            return ThirdPartyIndexes(tuple(repositories), why_not=why_not)
        archives = tuple(each.archive for each in found if isinstance(each, Repository))
        read = tuple(
            replace(r, released=a.locked.released, release_sha256=a.locked.release_sha256)
            for r, a in zip(repositories, archives, strict=True)
        )
        return ThirdPartyIndexes(read, archives)

    def _open_cached(self, repository: LockedRepository) -> Repository | str:
        if repository.url not in self._known:
            try:
                self._known[repository.url] = open_repository(repository, self.mirror)
            except RepositoryUnavailable as error:
                self._known[repository.url] = str(error)
        return self._known[repository.url]


def open_repository(repository: LockedRepository, mirror: str | None) -> Repository:
    """Fetch and verify the index of a repository. Raises RepositoryUnavailable or LockError."""
    named = mirror if mirror is not None else os.environ.get(_VARIABLE)
    if named == "":
        raise RepositoryUnavailable(f"the environment variable {_VARIABLE} is empty")
    _require_programs()
    url, key_url = repository.url, repository.key_url
    if named is not None:
        url, key_url = build_mirror_url(url, named), build_mirror_url(key_url, named)
    else:
        require_answer(f"{url}/InRelease", absent=_ABSENT)
    what = f"the index of the repository {repository.name}"
    signed = _fetch_signed_index(url, what)
    if signed is None and named is None:
        raise RepositoryUnavailable("there is no index at its address")
    if signed is None:
        raise index_failure(what, "there is neither InRelease nor Release at that place")
    called = f"the key of the repository {repository.name}"
    key = download(key_url, called, _MOST_KEY)
    if key is None and named is None:
        raise RepositoryUnavailable("the key that the matrix names is not at its address")
    if key is None:
        raise index_failure(called, "it is not at its place")
    return Repository(_verify(repository, url, signed, key), key)


def _require_programs() -> None:
    for program, there in (("gpgv", can_verify()), ("gpg", can_read_keys())):
        if not there:
            why = f"`{program}` is not installed, so signatures cannot be verified"
            raise RepositoryUnavailable(why)


def require_answer(address: str, *, absent: Collection[int] = ()) -> None:
    """Find out in a few seconds whether a server answers for a file.

    Args:
        address: the file of the index.
        absent: HTTP statuses of a server that has no such file, which is an answer, too.

    Raises:
        RepositoryUnavailable: It does not answer, or with another status.
    """
    from rigspec.net.http import WEB_ERRORS, create_web_client, stream_response

    try:
        with (
            create_web_client(attempts=1) as client,
            stream_response(client, address, _PATIENCE_S) as response,
        ):
            status = response.status_code
    except (*WEB_ERRORS, OSError):
        raise RepositoryUnavailable("its server did not answer") from None
    if status != 200 and status not in absent:
        raise RepositoryUnavailable(f"its server answered with HTTP status {status}")


def _fetch_signed_index(url: str, what: str) -> Mapping[str, bytes] | None:
    """Return the files of its index: one signed inline, else two. None where there is none."""
    whole = download(f"{url}/InRelease", what, MOST)
    if whole is not None:
        return {"InRelease": whole}
    text = download(f"{url}/Release", what, MOST)
    if text is None:
        return None
    signature = download(f"{url}/Release.gpg", what, MOST)
    if signature is None:
        raise report_untrusted_index(what, "it is not signed")
    return {"Release": text, "Release.gpg": signature}


def _verify(
    repository: LockedRepository, url: str, signed: Mapping[str, bytes], key: bytes
) -> Archive:
    index, keys = verify_repository_index(signed, repository, key)
    first = next(iter(signed.values()))
    locked = LockedArchive(
        name=repository.name,
        distribution="",
        suite=repository.suite,
        components=("",),
        released=index.released,
        release_sha256=hashlib.sha256(first).hexdigest(),
        key_fingerprints=keys,
        valid_until=index.valid_until,
    )
    return Archive(locked, url, signed, index.files, index.by_hash)
