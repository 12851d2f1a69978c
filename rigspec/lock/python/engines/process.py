"""Resolvers that are separate programs."""

from __future__ import annotations

import math
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from rigspec.lock.errors import index_failure
from rigspec.lock.python.request import ResolveRequest
from rigspec.net.limits import read_timeout, scale_limit

__all__ = ["find_index_host", "run_engine"]

_LIMIT_S = 600
# An index that never ends its response fills no more memory than this, in KiB.
_MEMORY_KIB = 8 << 20
_LIMITED = f'ulimit -v {_MEMORY_KIB}; exec "$@"'
_DEFAULT_INDEX = "https://pypi.org/simple"
# A proxy resolves names itself, and uv may work without a network.
_ELSEWHERE = (
    *("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"),
    "UV_OFFLINE",
)


def run_engine(
    question: ResolveRequest, command: Sequence[str], lines: str, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a resolver with ``lines`` on its standard input.

    Raises LockError where it hangs, and at once where the name of the index does not resolve.
    """
    _require_name(question)
    try:
        return subprocess.run(
            ["/bin/sh", "-c", _LIMITED, "sh", *command],
            input=lines,
            env={**_timeouts(), **os.environ, **variables},
            capture_output=True,
            text=True,
            timeout=scale_limit(_LIMIT_S),
            check=False,
        )
    except subprocess.TimeoutExpired:
        why = f"no result after {scale_limit(_LIMIT_S):g} s"
        raise index_failure(f"the packages of `{question.env}`", why) from None


def find_index_host(question: ResolveRequest) -> str:
    """Return host and port of the index of a request, without a password."""
    return urlsplit(_find_index(question)).netloc.rpartition("@")[2]


def _find_index(question: ResolveRequest) -> str:
    variables = (os.environ.get("UV_DEFAULT_INDEX"), os.environ.get("UV_INDEX_URL"))
    return next(filter(None, (question.index, *variables)), _DEFAULT_INDEX)


def _timeouts() -> dict[str, str]:
    """Return the variables that set how long a server may be silent, for uv and for pip."""
    seconds = str(math.ceil(read_timeout()))
    return {"UV_HTTP_TIMEOUT": seconds, "PIP_DEFAULT_TIMEOUT": seconds}


def _require_name(question: ResolveRequest) -> None:
    """Raise LockError if the index's name is unknown: a resolver would retry for seconds."""
    if any(os.environ.get(name) for name in _ELSEWHERE):
        return
    host = urlsplit(_find_index(question)).hostname
    if host is None:
        return
    try:
        socket.getaddrinfo(host, None)
    except OSError as error:
        reason = f"the name `{host}` cannot be resolved: {error.strerror}"
        raise index_failure(f"the packages of `{question.env}`", reason) from None
