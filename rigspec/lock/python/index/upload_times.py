"""When the files of a package were uploaded: what `as_of` goes by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from tenacity import Retrying, retry_if_result, stop_after_attempt

from rigspec.net.http import get_last_result, pause_before_retry

if TYPE_CHECKING:
    from unearth import PackageFinder

__all__ = ["fetch_upload_times", "get_end_of_day"]

# An index may add the times only where the newer form is requested, even to a page of HTML.
_ACCEPT = "application/vnd.pypi.simple.v1+json, text/html;q=0.1"

_NOT_FOUND = 404
_ATTEMPTS = 3


def get_end_of_day(day: dt.date) -> dt.datetime:
    """The first moment that is after the day, in UTC."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.timezone.utc)


def fetch_upload_times(finder: PackageFinder, name: str) -> Mapping[str, dt.datetime]:
    """The upload times that a package's pages of HTML state, by file name.

    The JSON form states them too, and there unearth reads them itself. Raises what the finder's
    session raises.
    """
    # A mirror that has the times from elsewhere may for a moment send its page without them.
    ask = Retrying(
        retry=retry_if_result(_lacks_times),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=pause_before_retry,
        retry_error_callback=get_last_result,
    )
    times: dict[str, dt.datetime] = {}
    for source in finder.sources:
        page = ask(_page, finder, f"{source['url'].rstrip('/')}/{name}/")
        times.update(page.times)
    return times


def _page(finder: PackageFinder, address: str) -> _Anchors:
    response = finder.session.get(address, headers={"Accept": _ACCEPT})
    page = _Anchors()
    if response.status_code == _NOT_FOUND:
        return page
    response.raise_for_status()
    if "json" not in response.headers.get("Content-Type", ""):
        page.feed(response.content.decode(response.encoding or "utf-8", "replace"))
    return page


def _lacks_times(page: _Anchors) -> bool:
    return page.links > 0 and not page.times


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links = 0
        self.times: dict[str, dt.datetime] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += tag == "a"
        found = dict(attrs)
        uploaded, address = found.get("data-upload-time"), found.get("href")
        if tag == "a" and uploaded and address:
            name = unquote(urlsplit(address).path.rpartition("/")[2])
            with suppress(ValueError):
                self.times[name] = dt.datetime.fromisoformat(uploaded.replace("Z", "+00:00"))
