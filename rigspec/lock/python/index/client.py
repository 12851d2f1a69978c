"""The client of a package index: a request to a busy server is repeated."""

from __future__ import annotations

import atexit
import os
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import httpx2
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    retry_if_result,
    stop_after_attempt,
    wait_exponential,
)
from unearth import PackageFinder, TargetPython
from unearth.auth import MultiDomainBasicAuth
from unearth.fetchers import PyPIClient

__all__ = ["BACKOFF", "create_package_finder", "get_last_result"]

_ATTEMPTS = stop_after_attempt(4)
BACKOFF = wait_exponential(multiplier=0.5, max=4)

# Too many requests; a gateway or the server behind it is not there just now.
_BUSY = frozenset({429, 502, 503, 504})
# A request that timed out is not repeated.
_BROKEN_OFF = (httpx2.NetworkError, httpx2.RemoteProtocolError)
_LONGEST_WAIT_S = 10

_DEFAULT = "https://pypi.org/simple/"


def create_package_finder(
    index: str | None,
    target: TargetPython | None = None,
    *,
    any_platform: bool = False,
    extra: Sequence[str] = (),
) -> PackageFinder:
    """Return a client that lists the files of an index; None is the default index.

    ``extra`` are the addresses of further indexes.
    """
    urls = (index or _DEFAULT, *extra)
    return PackageFinder(
        index_urls=urls,
        target_python=target,
        ignore_compatibility=any_platform,
        session=_open_session(urls, frozenset(os.environ.items())),
    )


@lru_cache(maxsize=8)
def _open_session(urls: tuple[str, ...], environment: Collection[tuple[str, str]]) -> Any:
    """Return a session for these indexes, which keeps its connections for the next finder.

    Proxies, certificates and passwords are read from the environment, which is part of the key.
    """
    # unearth accepts such a session, but its annotations do not.
    session: Any = _RetryingClient()
    session.auth = MultiDomainBasicAuth(index_urls=list(urls))
    atexit.register(session.close)
    return session


class _RetryingClient(PyPIClient):
    """Not a transport, which would leave out the proxies that the environment names."""

    def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        ask = Retrying(
            retry=retry_if_result(_is_busy) | retry_if_exception_type(_BROKEN_OFF),
            stop=_ATTEMPTS,
            wait=_pause,
            before_sleep=_close_response,
            retry_error_callback=get_last_result,
        )
        return ask(super().send, request, **options)


def get_last_result(state: RetryCallState) -> Any:
    """Return the last response or raise its exception."""
    return _outcome(state).result()


def _is_busy(response: httpx2.Response) -> bool:
    return response.status_code in _BUSY


def _pause(state: RetryCallState) -> float:
    outcome = _outcome(state)
    retry_after = "" if outcome.failed else outcome.result().headers.get("Retry-After", "")
    if retry_after.isdigit():
        return min(int(retry_after), _LONGEST_WAIT_S)
    return BACKOFF(state)


def _close_response(state: RetryCallState) -> None:
    outcome = _outcome(state)
    if not outcome.failed:
        outcome.result().close()


def _outcome(state: RetryCallState) -> Any:
    if state.outcome is None:
        raise RuntimeError("no attempt was made yet")
    return state.outcome
