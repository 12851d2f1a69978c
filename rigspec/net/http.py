"""HTTP for what a lock vouches for: nothing leaves TLS, takes forever or is cut off unnoticed."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager
from threading import Thread

import httpx2

__all__ = ["WEB_ERRORS", "BadTransfer", "is_loopback", "iter_body", "stream_response", "web_client"]

_CONNECT_S = 10.0
_SILENCE_S = 30.0
# A transfer that is slower than this after its first moments will not end.
_GRACE_S = 30.0
_LEAST_BYTES_A_SECOND = 4096


class BadTransfer(httpx2.HTTPError):
    """The server answered, but not with what may be used."""


WEB_ERRORS = (httpx2.HTTPError, httpx2.InvalidURL)


def web_client() -> httpx2.Client:
    """A client that follows redirects, but not from https to http (BadTransfer)."""
    return httpx2.Client(
        follow_redirects=True,
        timeout=httpx2.Timeout(_SILENCE_S, connect=_CONNECT_S),
        # The bytes that are hashed are those of the file, as a fetching program gets them.
        headers={"Accept-Encoding": "identity"},
        event_hooks={"response": [_stays_encrypted]},
    )


@contextmanager
def stream_response(
    client: httpx2.Client,
    url: str,
    within_s: float,
    headers: Mapping[str, str] | None = None,
    auth: httpx2.Auth | None = None,
) -> Iterator[httpx2.Response]:
    """What a server says to a GET, its body still to come. Raises one of WEB_ERRORS.

    ``within_s`` is for all of it until the body begins. The client's own limits are for each
    address of a host, and none is for the looking up of its name.
    """
    found: Future[httpx2.Response] = Future()

    def ask() -> None:
        try:
            request = client.build_request("GET", url, headers=headers)
            found.set_result(client.send(request, auth=auth, stream=True))
        except Exception as error:
            found.set_exception(error)

    Thread(target=ask, daemon=True).start()
    try:
        response = found.result(within_s)
    except NotYet:
        raise httpx2.ReadTimeout(f"no answer in {within_s:g} s") from None
    try:
        yield response
    finally:
        response.close()


def iter_body(response: httpx2.Response) -> Iterator[bytes]:
    """The body as it is sent. Raises BadTransfer where it is too slow or ends too soon."""
    begun, size = time.monotonic(), 0
    for block in response.iter_raw():
        yield block
        size += len(block)
        took = time.monotonic() - begun
        if took > _GRACE_S and size < took * _LEAST_BYTES_A_SECOND:
            raise BadTransfer(f"too slow: {size} bytes came in {took:.0f} s")
    promised = response.headers.get("Content-Length")
    if promised is not None and size != int(promised):
        raise BadTransfer(f"{size} of {promised} bytes came")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _stays_encrypted(response: httpx2.Response) -> None:
    if response.has_redirect_location and response.url.scheme == "https":
        target = response.url.join(response.headers["Location"])
        if target.scheme != "https":
            raise BadTransfer("it redirects from https to plain http")
