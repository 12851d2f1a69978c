"""The content of a signed index: its date, its origin and its checksums."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from rigspec.lock.errors import untrusted_index

__all__ = ["MOST", "SignedIndex", "read_release"]

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


def read_release(text: bytes, what: str, check_dates: bool = True) -> SignedIndex:
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
        raise untrusted_index(what, "it has no date or no checksums") from None
    if check_dates and until is not None and until < _iso_now():
        why = f"it was valid until {until}: its mirror is out of date"
        raise untrusted_index(what, why)
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
