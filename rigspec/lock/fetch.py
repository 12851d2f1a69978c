"""The checksum of a file that nobody has vouched for, taken when the lock is made."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rigspec.lock.failures import index_failure

__all__ = ["file_name", "sha256_of_url"]

_BLOCK = 1 << 20


def sha256_of_url(url: str) -> tuple[str, int]:
    """The sha256 and size in bytes of what an address serves now. Raises LockFailure."""
    from rigspec.lock.web import WEB_ERRORS, blocks, web_client

    name = file_name(url)
    try:
        if urlsplit(url).scheme == "file":
            with open(unquote(urlsplit(url).path), "rb") as file:
                return _sha256(iter(lambda: file.read(_BLOCK), b""))
        with web_client() as client, client.stream("GET", url) as response:
            if not response.is_success:
                raise index_failure(name, f"the server says {response.status_code}")
            return _sha256(blocks(response))
    except WEB_ERRORS as error:
        raise index_failure(name, str(error) or type(error).__name__) from None
    except OSError as error:
        raise index_failure(name, error.strerror or "it cannot be read") from None


def file_name(url: str) -> str:
    """The name of the file at an address, without what follows a question mark."""
    return Path(urlsplit(url).path).name


def _sha256(blocks: Iterable[bytes]) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    for block in blocks:
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size
