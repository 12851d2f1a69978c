"""The checksum of a file that nobody has vouched for, taken when the lock is made."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rigspec.lock.failures import index_failure

__all__ = ["file_name", "sha256_of_url"]

_BLOCK = 1 << 20
_ANSWER_S = 60.0


def sha256_of_url(url: str) -> tuple[str, int]:
    """The sha256 and size in bytes of what an address serves now. Raises LockError."""
    from rigspec.lock.web import WEB_ERRORS, iter_body, stream_response, web_client

    name = file_name(url)
    try:
        if urlsplit(url).scheme == "file":
            with open(unquote(urlsplit(url).path), "rb") as file:
                return _sha256(iter(lambda: file.read(_BLOCK), b""))
        with web_client() as client, stream_response(client, url, _ANSWER_S) as response:
            if response.status_code != 200:
                raise index_failure(name, f"the server says {response.status_code}")
            sha256, size = _sha256(iter_body(response))
            told = _digest_header(response.headers)
            if told is not None and told != sha256:
                why = "the bytes that came are not those of the checksum that the server sent"
                raise index_failure(name, why)
            return sha256, size
    except WEB_ERRORS as error:
        raise index_failure(name, str(error) or type(error).__name__) from None
    except OSError as error:
        raise index_failure(name, error.strerror or "it cannot be read") from None


def file_name(url: str) -> str:
    """The name of the file at an address, without what follows a question mark."""
    return Path(urlsplit(url).path).name


def _digest_header(headers: Mapping[str, str]) -> str | None:
    """The sha256 that a server gives with a file: RFC 9530, or RFC 3230 before it."""
    for name in ("Repr-Digest", "Digest"):
        found = re.search(r"(?:^|[,\s])sha-256=:?([A-Za-z0-9+/]{43}=)", headers.get(name, ""), re.I)
        if found is not None:
            return base64.b64decode(found[1]).hex()
    return None


def _sha256(blocks: Iterable[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for block in blocks:
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size
