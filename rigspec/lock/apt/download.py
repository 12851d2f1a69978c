"""Downloads from an archive: complete, in time, or not at all."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rigspec.lock.errors import index_failure

__all__ = ["download"]

_TIMEOUT_S = 30.0
_PATIENCE_S = 600.0
_TRIES = 2
_ABSENT = (404, 410)


def download(url: str, what: str, most: int) -> bytes | None:
    """Return the body of an address; None where there is no such file. ``most`` is in bytes.

    Raises:
        LockError: It names ``what`` and never the address, which may contain a password.

    """
    if url.startswith("file:"):
        return _read(url, what, most)
    import httpx2

    for turn in range(_TRIES):
        try:
            return _download_once(url, what, most)
        except httpx2.TimeoutException:
            why = "its mirror did not answer in time"
        except httpx2.HTTPStatusError as error:
            why = f"its mirror answered with HTTP status {error.response.status_code}"
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            why = str(error) or type(error).__name__
        if turn + 1 < _TRIES:
            time.sleep(0.5)
    raise index_failure(what, why)


def _download_once(url: str, what: str, most: int) -> bytes | None:
    import httpx2

    begun, found = time.monotonic(), bytearray()
    # The bytes of the file itself: a server may call a compressed file's form an encoding.
    plain = {"Accept-Encoding": "identity"}
    with httpx2.stream(
        "GET", url, headers=plain, follow_redirects=True, timeout=_TIMEOUT_S
    ) as response:
        if response.status_code in _ABSENT:
            return None
        response.raise_for_status()
        for block in response.iter_raw():
            found += block
            if len(found) > most:
                raise index_failure(what, f"it is larger than the {most} bytes it should have")
            if time.monotonic() - begun > _PATIENCE_S:
                raise index_failure(what, "its mirror is too slow")
    return bytes(found)


def _read(url: str, what: str, most: int) -> bytes | None:
    file = Path(unquote(urlsplit(url).path))
    try:
        if file.stat().st_size > most:
            raise index_failure(what, f"it is larger than the {most} bytes it should have")
        return file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise index_failure(what, error.strerror or str(error)) from None
