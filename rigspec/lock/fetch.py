"""The checksum of a file that nobody has vouched for, taken when the lock is made."""

from __future__ import annotations

import hashlib

from rigspec.lock.failures import index_failure

__all__ = ["sha256_of_url"]

_TIMEOUT_S = 60.0


def sha256_of_url(url: str) -> tuple[str, int]:
    """The sha256 and size in bytes of what an address serves now. Raises LockFailure."""
    import httpx2

    digest, size = hashlib.sha256(), 0
    name = url.rpartition("/")[2]
    try:
        with httpx2.stream("GET", url, follow_redirects=True, timeout=_TIMEOUT_S) as response:
            response.raise_for_status()
            for block in response.iter_bytes():
                digest.update(block)
                size += len(block)
            promised = response.headers.get("Content-Length")
            if promised is not None and response.num_bytes_downloaded != int(promised):
                raise index_failure(name, f"{size} of {promised} bytes came")
    except httpx2.HTTPError as error:
        raise index_failure(name, str(error)) from None
    return digest.hexdigest(), size
