"""The HTTP layer that every client shares.

A transfer stays encrypted, ends in time, has a limited size, and is never truncated unnoticed. A
request to a busy server is repeated.
"""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
import time
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, InvalidStateError
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager, suppress
from functools import lru_cache
from threading import Thread
from typing import Any, ClassVar

import httpx2
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
)

from rigspec.net.limits import FILE, PAGE, TransferLimit, read_timeout, scale_limit

__all__ = [
    "WEB_ERRORS",
    "BadTransfer",
    "LimitedClient",
    "build_limit",
    "create_web_client",
    "describe_error",
    "describe_status",
    "find_host",
    "get_last_result",
    "is_loopback",
    "iter_body",
    "pause_before_retry",
    "stream_response",
]

_CONNECT_S = 10.0
# For requests that name no other limit, until the body begins.
_RESPONSE_S = 60.0
_ATTEMPTS = 4
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _LONGEST_WAIT_S = 0.5, 4.0, 10.0

# Too many requests; a gateway or the server behind it is not there just now.
_BUSY = frozenset({429, 502, 503, 504})
# A request that timed out is not repeated, nor one to a server that is not there.
_BROKEN_OFF = (
    *(httpx2.ReadError, httpx2.WriteError, httpx2.CloseError),
    httpx2.RemoteProtocolError,
)

# Keys of a request's extensions: the limits of its body, and of the time until it begins.
_LIMIT, _WITHIN = "rigspec.limit", "rigspec.within"
_IDENTITY = "identity"
_BLOCK = 1 << 16


class BadTransfer(httpx2.HTTPError):
    """The response of the server cannot be used."""

    def __init__(self, message: str, request: httpx2.Request | None = None) -> None:
        super().__init__(message)
        if request is not None:
            self.request = request


WEB_ERRORS = (httpx2.HTTPError, httpx2.InvalidURL)


class LimitedClient(httpx2.Client):
    """A client with limits. It follows redirects, but none from https to plain http."""

    repeated_errors: ClassVar[tuple[type[Exception], ...]] = _BROKEN_OFF

    def __init__(self, *, attempts: int = _ATTEMPTS, **settings: Any) -> None:
        silence = read_timeout()
        connect = min(scale_limit(_CONNECT_S), silence)
        settings.setdefault("follow_redirects", True)
        certificates = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        settings.setdefault("verify", _create_tls_context(*certificates))
        super().__init__(timeout=httpx2.Timeout(silence, connect=connect), **settings)
        self.event_hooks = {"response": [_limit_response]}
        self._attempts = attempts

    def send(
        self, request: httpx2.Request, *, stream: bool = False, **options: Any
    ) -> httpx2.Response:
        """Send a request, and repeat it if the server is busy.

        Raises:
            WEB_ERRORS: The server is unreachable, or its response cannot be used.
        """
        retry = Retrying(
            retry=retry_if_result(_is_busy) | retry_if_exception_type(self.repeated_errors),
            stop=stop_after_attempt(self._attempts),
            wait=pause_before_retry,
            before_sleep=_close_response,
            retry_error_callback=get_last_result,
        )
        response: httpx2.Response = retry(self._send_once, request, stream, options)
        return response

    def _send_once(
        self, request: httpx2.Request, stream: bool, options: Mapping[str, Any]
    ) -> httpx2.Response:
        within = request.extensions.get(_WITHIN, _RESPONSE_S)
        response = _send_within(scale_limit(within), super().send, request, options)
        if not stream:
            try:
                response.read()
            finally:
                response.close()
        return response


def create_web_client(*, attempts: int = _ATTEMPTS) -> httpx2.Client:
    """Return a client of files, which are never compressed: a checksum is that of the file."""
    return LimitedClient(attempts=attempts, headers={"Accept-Encoding": _IDENTITY})


def build_limit(limit: TransferLimit, within_s: float | None = None) -> dict[str, Any]:
    """Return the extensions of a request that set its limits.

    Args:
        limit: the limit of the body.
        within_s: limit until the body begins, at the default timeout.
    """
    return {_LIMIT: limit} if within_s is None else {_LIMIT: limit, _WITHIN: within_s}


@contextmanager
def stream_response(
    client: httpx2.Client,
    url: str,
    within_s: float,
    headers: Mapping[str, str] | None = None,
    auth: httpx2.Auth | None = None,
    limit: TransferLimit | None = None,
) -> Iterator[httpx2.Response]:
    """Yield the response to a GET request before its body is read.

    Args:
        client: the client.
        url: the address.
        within_s: limit until the body begins, at the default timeout.
        headers: headers of the request.
        auth: credentials of the request.
        limit: limit of the body, by default that of files.

    Raises:
        WEB_ERRORS: The server is unreachable, or its response cannot be used.
    """
    extensions = build_limit(limit or FILE, within_s)
    request = client.build_request("GET", url, headers=headers, extensions=extensions)
    response = client.send(request, auth=auth, stream=True)
    try:
        yield response
    finally:
        response.close()


def iter_body(response: httpx2.Response) -> Iterator[bytes]:
    """Yield the blocks of the body; raise BadTransfer if it is too slow, too large or truncated."""
    size = 0
    for block in response.iter_raw():
        yield block
        size += len(block)
    expected = response.headers.get("Content-Length")
    if expected is not None and size != int(expected):
        raise BadTransfer(f"truncated after {size} of {expected} bytes", response.request)


def describe_error(error: Exception) -> str:
    """Return an error of a transfer as text without its address."""
    if isinstance(error, httpx2.HTTPStatusError):
        return f"HTTP status {error.response.status_code}"
    if isinstance(error, httpx2.TimeoutException) and str(error) in ("", "timed out"):
        return f"no response within {read_timeout():g} s"
    return re.sub(r"^\[Errno -?\d+\] ", "", str(error)) or type(error).__name__


def describe_status(response: httpx2.Response) -> str:
    """Return the status of a response as text that names the host."""
    return f"HTTP status {response.status_code} (from {_host_of(response.request)})"


def find_host(error: Exception) -> str:
    """Return host and port of the request that failed; empty where it is unknown."""
    request = getattr(error, "_request", None)
    return _host_of(request) if request is not None else ""


def _host_of(request: httpx2.Request) -> str:
    return request.url.netloc.decode("ascii", "replace")


@lru_cache(maxsize=8)
def _create_tls_context(file: str | None, folder: str | None) -> ssl.SSLContext:
    """Return the certificates of servers. Loading them takes 40 ms, so it is done once.

    The library reads the same variables as the key of the cache.
    """
    return httpx2.create_ssl_context()


def is_loopback(host: str) -> bool:
    """Return whether the host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def get_last_result(state: RetryCallState) -> Any:
    """Return the last response or raise its exception."""
    return _outcome(state).result()


def pause_before_retry(state: RetryCallState) -> float:
    """Return the seconds until the next attempt: those that the server names, within limits."""
    outcome = _outcome(state)
    response = None if outcome.failed else outcome.result()
    headers = response.headers if isinstance(response, httpx2.Response) else {}
    named = headers.get("Retry-After", "")
    if named.isdigit():
        return min(float(named), scale_limit(_LONGEST_WAIT_S))
    pause = _FIRST_PAUSE_S * 2.0 ** (state.attempt_number - 1)
    return scale_limit(min(pause, _LONGEST_PAUSE_S))


def _send_within(
    within_s: float, send: Any, request: httpx2.Request, options: Mapping[str, Any]
) -> httpx2.Response:
    """Send a request in a thread that is abandoned when the time is over.

    The client's own limits apply to each address of a host and each byte of a header separately,
    and none to the name lookup.
    """
    result: Future[httpx2.Response] = Future()

    def run() -> None:
        try:
            response = send(request, stream=True, **options)
        except Exception as error:
            with suppress(InvalidStateError):
                result.set_exception(error)
            return
        try:
            result.set_result(response)
        except InvalidStateError:
            response.close()

    Thread(target=run, daemon=True).start()
    try:
        return result.result(within_s)
    except FutureTimeout:
        if not result.cancel():
            return result.result()
        why = f"no response within {within_s:g} s"
        raise httpx2.ReadTimeout(why, request=request) from None


def _limit_response(response: httpx2.Response) -> None:
    """Refuse a redirect to plain http, and replace the body by one with limits."""
    request = response.request
    if response.has_redirect_location and response.url.scheme == "https":
        target = response.url.join(response.headers["Location"])
        if target.scheme != "https":
            raise BadTransfer("redirected from https to plain http", request)
    packing = response.headers.get("Content-Encoding", "").lower()
    if packing in ("", _IDENTITY) or request.headers.get("Accept-Encoding") == _IDENTITY:
        packing = ""
    elif packing not in ("gzip", "deflate"):
        raise BadTransfer(f"unknown content encoding `{packing[:20]}`", request)
    else:
        # Unpacked here, with a limit, and not by the client.
        del response.headers["Content-Encoding"]
        response.headers.pop("Content-Length", None)
    limit = request.extensions.get(_LIMIT, PAGE)
    response.stream = _LimitedStream(response.stream, request, limit, unpack=bool(packing))


class _LimitedStream(httpx2.SyncByteStream):
    """The body of a response, aborted when it exceeds a limit."""

    def __init__(
        self, stream: Any, request: httpx2.Request, limit: TransferLimit, *, unpack: bool
    ) -> None:
        self._stream = stream
        self._request = request
        self._limit = limit
        self._unpack = unpack

    def __iter__(self) -> Iterator[bytes]:
        blocks = self._receive_blocks()
        return self._unpack_blocks(blocks) if self._unpack else blocks

    def close(self) -> None:
        """Close the connection, or return it to the pool."""
        self._stream.close()

    def _receive_blocks(self) -> Iterator[bytes]:
        size, waited, source = 0, 0.0, iter(self._stream)
        while True:
            begun = time.monotonic()
            block = next(source, None)
            waited += time.monotonic() - begun
            if block is None:
                return
            size += len(block)
            self._check(size, waited)
            yield block

    def _unpack_blocks(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        # For gzip and zlib, by their headers.
        unpacker, size, empty = zlib.decompressobj(zlib.MAX_WBITS | 32), 0, True
        with self._report_damage():
            for block in blocks:
                empty = empty and not block
                while block:
                    found = unpacker.decompress(block, _BLOCK)
                    block = unpacker.unconsumed_tail
                    size += len(found)
                    self._check(size, 0.0)
                    yield found
            yield unpacker.flush()
        if not unpacker.eof and not empty:
            raise BadTransfer("truncated", self._request)

    def _check(self, size: int, elapsed_s: float) -> None:
        problem = self._limit.find_problem(size, elapsed_s)
        if problem is not None:
            raise BadTransfer(problem, self._request)

    @contextmanager
    def _report_damage(self) -> Iterator[None]:
        try:
            yield
        except zlib.error as error:
            raise BadTransfer(f"damaged: {error}", self._request) from None


def _is_busy(response: httpx2.Response) -> bool:
    return response.status_code in _BUSY


def _close_response(state: RetryCallState) -> None:
    outcome = _outcome(state)
    if not outcome.failed:
        with suppress(Exception):
            outcome.result().close()


def _outcome(state: RetryCallState) -> Any:
    if state.outcome is None:
        raise RuntimeError("no attempt was made yet")
    return state.outcome
