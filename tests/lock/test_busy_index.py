"""An index that is out of order for a moment, and one that stays so."""

from __future__ import annotations

import datetime as dt
from http.server import BaseHTTPRequestHandler

import pytest
from unearth import TargetPython

from rigspec.lock.errors import LockError
from rigspec.lock.python.index.client import create_package_finder
from rigspec.lock.python.index.links import filter_files_by_day, list_files
from tests.lock.http_server import Answer, Serve, send

WHEEL = "six-1.0-py2.py3-none-any.whl"
BARE = f'<a href="/{WHEEL}#sha256={"0" * 64}">{WHEEL}</a>'.encode()
DATED = BARE.replace(b"<a ", b'<a data-upload-time="2018-06-30T12:00:00Z" ')


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIGSPEC_HTTP_TIMEOUT", "3")


def times(address: str) -> list[dt.datetime | None]:
    finder = create_package_finder(address, TargetPython())
    files = list_files(finder, "six", yanked=False)
    return [time for _, time in filter_files_by_day(finder, "six", files)]


def falls_out(*, after: int, count: int, bad: Answer) -> Answer:
    """Answers well, but for ``count`` answers in a row after the first ``after``."""
    answered = iter(range(1000))

    def answer(request: BaseHTTPRequestHandler) -> None:
        if after <= next(answered) < after + count:
            bad(request)
        else:
            send(request, DATED, Content_Type="text/html")

    return answer


def busy(request: BaseHTTPRequestHandler) -> None:
    send(request, b"later", 503)


def overrun(request: BaseHTTPRequestHandler) -> None:
    send(request, b"later", 429, Retry_After="1")


def hangs_up(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


def without_times(request: BaseHTTPRequestHandler) -> None:
    send(request, BARE, Content_Type="text/html")


@pytest.mark.parametrize("bad", [busy, overrun, hangs_up, without_times])
@pytest.mark.parametrize("after", [0, 1])
def test_index_busy_for_a_moment_is_retried(bad: Answer, after: int, serve: Serve) -> None:
    address = serve(falls_out(after=after, count=2, bad=bad))
    assert times(f"http://{address}/simple") == [
        dt.datetime(2018, 6, 30, 12, tzinfo=dt.timezone.utc)
    ]


def test_index_always_busy_fails_with_reason(serve: Serve) -> None:
    address = serve(falls_out(after=1, count=1000, bad=busy))
    with pytest.raises(LockError) as failure:
        times(f"http://{address}/simple")
    assert failure.value.status == 3
    assert "503" in failure.value.diagnostic.message
    assert f"from {address}" in failure.value.diagnostic.message
    assert "http:" not in failure.value.diagnostic.message


def test_index_without_upload_times_fails_after_three_requests(serve: Serve) -> None:
    requested = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        requested.append(request.path)
        without_times(request)

    address = serve(answer)
    assert times(f"http://{address}/simple") == [None]
    assert len(requested) == 1 + 3
