"""HTTP downloads that stay encrypted, end in time, and are never truncated unnoticed."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from threading import Thread

import httpx2

__all__ = [
    "WEB_ERRORS",
    "BadTransfer",
    "create_web_client",
    "is_loopback",
    "iter_body",
    "stream_response",
]

_CONNECT_S = 10.0
_SILENCE_S = 30.0
# A transfer slower than this after the grace period is aborted.
_GRACE_S = 30.0
_MIN_BYTES_PER_SECOND = 4096


class BadTransfer(httpx2.HTTPError):
    """The response of the server cannot be used."""


WEB_ERRORS = (httpx2.HTTPError, httpx2.InvalidURL)


def create_web_client() -> httpx2.Client:
    """Return a client that follows redirects, but raises BadTransfer from https to http."""
    return httpx2.Client(
        follow_redirects=True,
        timeout=httpx2.Timeout(_SILENCE_S, connect=_CONNECT_S),
        # The hash is that of the file itself, so no compression.
        headers={"Accept-Encoding": "identity"},
        event_hooks={"response": [_refuse_plain_http]},
    )


@contextmanager
def stream_response(
    client: httpx2.Client,
    url: str,
    within_s: float,
    headers: Mapping[str, str] | None = None,
    auth: httpx2.Auth | None = None,
) -> Iterator[httpx2.Response]:
    """Yield the response to a GET request before its body is read.

    Args:
        client: the client.
        url: the address.
        within_s: limit until the body begins. A thread enforces it, because the client's limits
            apply to each address of a host separately, and none to the name lookup.
        headers: headers of the request.
        auth: credentials of the request.

    Raises:
        WEB_ERRORS: The server is unreachable, or its response cannot be used.
    """
    result: Future[httpx2.Response] = Future()

    def send() -> None:
        try:
            request = client.build_request("GET", url, headers=headers)
            result.set_result(client.send(request, auth=auth, stream=True))
        except Exception as error:
            result.set_exception(error)

    Thread(target=send, daemon=True).start()
    try:
        response = result.result(within_s)
    except FutureTimeout:
        raise httpx2.ReadTimeout(f"no response within {within_s:g} s") from None
    try:
        yield response
    finally:
        response.close()


def iter_body(response: httpx2.Response) -> Iterator[bytes]:
    """Yield the blocks of the body; raise BadTransfer if it is too slow or truncated."""
    start, size = time.monotonic(), 0
    for block in response.iter_raw():
        yield block
        size += len(block)
        elapsed = time.monotonic() - start
        if elapsed > _GRACE_S and size < elapsed * _MIN_BYTES_PER_SECOND:
            raise BadTransfer(f"too slow: {size} bytes in {elapsed:.0f} s")
    expected = response.headers.get("Content-Length")
    if expected is not None and size != int(expected):
        raise BadTransfer(f"truncated after {size} of {expected} bytes")


def is_loopback(host: str) -> bool:
    """Return whether the host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse_plain_http(response: httpx2.Response) -> None:
    if response.has_redirect_location and response.url.scheme == "https":
        target = response.url.join(response.headers["Location"])
        if target.scheme != "https":
            raise BadTransfer("redirected from https to plain http")
