"""A file on a server, read in pieces: enough to list a large wheel and take one member out."""

from __future__ import annotations

import io
from typing import Any

__all__ = ["RangeNotSupported", "RemoteFile"]


class RangeNotSupported(Exception):
    """The server sends whole files only."""


class RemoteFile(io.RawIOBase):
    """A seekable file over HTTP range requests. ``session`` is an httpx2 client.

    Raises RangeNotSupported where the server does not know ranges, and what the session raises.
    """

    def __init__(self, session: Any, url: str) -> None:
        super().__init__()
        self._session = session
        self._url = url
        self._position = 0
        # A server that does not know ranges begins to send the whole file.
        with session.stream("GET", url, headers={**_PLAIN, "Range": "bytes=0-0"}) as response:
            response.raise_for_status()
            total = response.headers.get("Content-Range", "").rpartition("/")[2]
            if response.status_code != 206 or not total.isdigit():
                raise RangeNotSupported(url)
            response.read()
        self._size = int(total)

    def seekable(self) -> bool:
        """Return True: any byte can be requested."""
        return True

    def readable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position; no request is made."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with one request."""
        end = min(self._position + len(buffer), self._size)
        if end <= self._position:
            return 0
        wanted = f"bytes={self._position}-{end - 1}"
        response = self._session.get(self._url, headers={**_PLAIN, "Range": wanted})
        response.raise_for_status()
        data = response.content[: end - self._position]
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


# A range of a compressed body would be a range of something else.
_PLAIN = {"Accept-Encoding": "identity"}
