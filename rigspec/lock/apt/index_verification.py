"""Verification of apt's signed indexes: signature, date, origin and suite."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from rigspec.lock.apt.distribution import Distribution, Suite, find_keyrings
from rigspec.lock.apt.gpg import (
    BadKey,
    BadSignature,
    create_keyring,
    verify_detached,
    verify_inline,
)
from rigspec.lock.errors import report_untrusted_index
from rigspec.lock.model import LockedRepository

__all__ = ["MOST", "SignedIndex", "verify_distribution_index", "verify_repository_index"]

# In bytes.
MOST = 32 * 1024 * 1024


@dataclass(frozen=True)
class SignedIndex:
    """A parsed index. ``names`` are its codename and its suite, empty where it has
    none; ``files`` are sha256 and size by path, ``by_hash``: files can be requested by
    these. Dates are ISO 8601 in UTC.
    """

    origin: str
    names: tuple[str, str]
    released: str
    valid_until: str | None
    files: Mapping[str, tuple[str, int]]
    by_hash: bool


def verify_distribution_index(
    data: bytes, distribution: Distribution, suite: Suite, what: str, *, check_dates: bool
) -> tuple[SignedIndex, tuple[str, ...]]:
    """Return the index of a distribution's suite and the keys that signed it.

    Raises LockError for a bad signature, an expired index, or one of another origin or suite.
    """
    try:
        text, keys = verify_inline(data, find_keyrings(distribution), distribution.keys)
    except BadSignature as error:
        raise report_untrusted_index(what, str(error)) from None
    index = _read_release(text, what, check_dates)
    if index.origin != distribution.origin:
        raise report_untrusted_index(what, f"its origin is {index.origin or 'not stated'}")
    if suite.name not in index.names:
        raise report_untrusted_index(what, f"it is that of {index.names[0] or 'no suite'}")
    return index, keys


def verify_repository_index(
    signed: Mapping[str, bytes], repository: LockedRepository, key: bytes
) -> tuple[SignedIndex, tuple[str, ...]]:
    """Return the index of a third-party repository and the keys that signed it.

    Raises LockError for another key, a bad signature or an expired index.
    """
    what = f"the index of the repository {repository.name}"
    fingerprint = repository.key_fingerprint
    trusted = frozenset({fingerprint})
    try:
        with create_keyring(key, fingerprint) as keyring:
            if "InRelease" in signed:
                text, keys = verify_inline(signed["InRelease"], (keyring,), trusted)
            else:
                text = signed["Release"]
                keys = verify_detached(text, signed["Release.gpg"], keyring, trusted)
    except BadKey as error:
        raise report_untrusted_index(
            f"the key of the repository {repository.name}", str(error)
        ) from None
    except BadSignature as error:
        raise report_untrusted_index(what, str(error)) from None
    return _read_release(text, what), keys


def _read_release(text: bytes, what: str, check_dates: bool = True) -> SignedIndex:
    """Parse a text with a verified signature. Raises LockError where it has expired."""
    from debian.deb822 import Release

    release: Any = Release(text)
    try:
        released = _iso(release["Date"])
        until = _iso(release["Valid-Until"]) if "Valid-Until" in release else None
        files = {
            row["name"].removeprefix("./"): (row["sha256"], int(row["size"]))
            for row in release["SHA256"]
        }
    except (KeyError, ValueError, TypeError):
        raise report_untrusted_index(what, "it has no date or no checksums") from None
    if check_dates and until is not None and until < _iso_now():
        why = f"it was valid until {until}: its mirror is out of date"
        raise report_untrusted_index(what, why)
    return SignedIndex(
        origin=release.get("Origin", ""),
        names=(release.get("Codename", ""), release.get("Suite", "")),
        released=released,
        valid_until=until,
        files=files,
        by_hash=release.get("Acquire-By-Hash", "no") == "yes",
    )


def _iso(date: str) -> str:
    """Return a Release's date as ISO 8601 in UTC; two of them compare as text."""
    parsed = parsedate_to_datetime(date)
    utc = parsed if parsed.tzinfo is None else parsed.astimezone(dt.timezone.utc)
    return f"{utc:%Y-%m-%dT%H:%M:%SZ}"


def _iso_now() -> str:
    return f"{dt.datetime.now(dt.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
