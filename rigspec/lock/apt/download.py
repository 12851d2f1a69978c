"""Downloads from an archive: complete, in time, or not at all."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from rigspec.lock.errors import index_failure, report_failed_transfer

__all__ = ["download"]

_RESPONSE_S = 30.0
_TOTAL_S = 600.0
_ABSENT = (404, 410)


def download(url: str, what: str, most: int) -> bytes | None:
    """Return the body of an address; None where there is no such file. ``most`` is in bytes.

    Raises:
        LockError: It names ``what`` and the host, but never the address, which may contain a
            password.

    """
    if url.startswith("file:"):
        return _read(url, what, most)
    from rigspec.net.http import (
        WEB_ERRORS,
        create_web_client,
        describe_status,
        iter_body,
        stream_response,
    )
    from rigspec.net.limits import TransferLimit

    limit = TransferLimit(most, _TOTAL_S)
    try:
        with (
            create_web_client() as client,
            stream_response(client, url, _RESPONSE_S, limit=limit) as response,
        ):
            if response.status_code in _ABSENT:
                return None
            if response.status_code != 200:
                raise index_failure(what, describe_status(response))
            return b"".join(iter_body(response))
    except (*WEB_ERRORS, OSError) as error:
        raise report_failed_transfer(what, error) from None


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
