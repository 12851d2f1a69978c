"""The client of a package index."""

from __future__ import annotations

import atexit
import os
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import httpx2
from unearth import PackageFinder, TargetPython
from unearth.auth import MultiDomainBasicAuth
from unearth.fetchers import PyPIClient

from rigspec.net.http import LimitedClient

__all__ = ["create_package_finder"]

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

    Proxies, certificates, passwords and limits are read from the environment, which is part of the
    key.
    """
    # unearth accepts such a session, but its annotations do not.
    session: Any = _IndexClient(headers={"Accept-Encoding": "gzip"})
    session.auth = MultiDomainBasicAuth(prompting=False, index_urls=list(urls))
    atexit.register(session.close)
    return session


class _IndexClient(LimitedClient, PyPIClient):
    """Not a transport, which would leave out the proxies that the environment names."""

    repeated_errors = (httpx2.NetworkError, httpx2.RemoteProtocolError)
