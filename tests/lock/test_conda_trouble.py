"""Channels that are down, silent, broken off, or lie: exit status 3, and the old lock stays."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from tests.lock.conda_channel import Channel, rig, served


@pytest.fixture
def good(tmp_path: Path) -> Channel:
    channel = Channel(tmp_path / "good")
    channel.add_python()
    channel.add("tool", "1.0")
    return channel


def refused(folder: Path, *channels: str) -> str:
    """What is output of a lock that cannot be made; the lock that stands there stays as it is."""
    spec, lock = folder / "rig.toml", folder / "lock"
    spec.write_text(rig(*channels, packages='tool = "*"'), encoding="utf-8")
    lock.mkdir(exist_ok=True)
    (lock / "rig.lock").write_text("the old lock", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "rigspec", "lock", spec, "-o", lock],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "CONDA_REMOTE_READ_TIMEOUT_SECS": "1", "COLUMNS": "100"},
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert [file.name for file in lock.iterdir()] == ["rig.lock"]
    assert (lock / "rig.lock").read_text(encoding="utf-8") == "the old lock"
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


class Silent(SimpleHTTPRequestHandler):
    """Takes a request and says nothing."""

    def do_GET(self) -> None:
        self.rfile.read(1)

    def do_HEAD(self) -> None:
        self.rfile.read(1)


class Halved(SimpleHTTPRequestHandler):
    """Breaks off in the middle of an index."""

    def do_GET(self) -> None:
        file = Path(self.translate_path(self.path))
        if not file.is_file():
            self.send_error(404)
            return
        data = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[: len(data) // 2])
        self.close_connection = True

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def unused_address() -> Iterator[str]:
    """An address where unused_address listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_conda_channel_down_is_named(good: Channel, tmp_path: Path) -> None:
    with unused_address() as address:
        output = refused(tmp_path, good.url, f"{address}/other")
        assert f"the channel `{address}/other` could not be fetched" in output


def test_conda_channel_silent_is_named(good: Channel, tmp_path: Path) -> None:
    with served(tmp_path, Silent) as address:
        output = refused(tmp_path, good.url, f"{address}/other")
        assert f"the channel `{address}/other` could not be fetched" in output
        assert "timed out" in output


def test_conda_channel_interrupted_is_named(good: Channel, tmp_path: Path) -> None:
    with served(tmp_path, Halved) as address:
        output = refused(tmp_path, f"{address}/good")
        assert f"the channel `{address}/good` could not be fetched" in output


class Portal(SimpleHTTPRequestHandler):
    """Answers everything with a login page."""

    def do_GET(self) -> None:
        page = b"<html>Welcome to the hotel</html>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def do_HEAD(self) -> None:
        self.send_error(404)

    def log_message(self, *arguments: object) -> None:
        pass


class Circle(Portal):
    """Redirects to the same address."""

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.path)
        self.end_headers()


class Busy(Portal):
    """Is overloaded for ever."""

    def do_GET(self) -> None:
        self.send_error(503)


@pytest.mark.parametrize("fault", [Portal, Circle, Busy])
def test_conda_channel_at_fault_is_named(
    fault: type[SimpleHTTPRequestHandler], tmp_path: Path
) -> None:
    with served(tmp_path, fault) as address:
        output = refused(tmp_path, f"{address}/good")
        assert f"the channel `{address}/good` could not be fetched" in output


def test_conda_index_truncated_is_refused(good: Channel, tmp_path: Path) -> None:
    index = good.folder / "linux-64" / "repodata.json"
    index.write_bytes(index.read_bytes()[:-200])
    assert f"the channel `{good.url}` could not be fetched" in refused(tmp_path, good.url)


def test_conda_folder_without_channel_is_named(tmp_path: Path) -> None:
    address = (tmp_path / "nothing").as_uri()
    assert f"the channel `{address}` could not be fetched" in refused(tmp_path, address)


def test_conda_package_with_wrong_bytes_is_refused(good: Channel, tmp_path: Path) -> None:
    package = good.folder / "linux-64" / "tool-1.0-0.tar.bz2"
    package.write_bytes(package.read_bytes() + b"\0")
    output = refused(tmp_path, good.url)
    assert f"tool 1.0 of the channel `{good.url}`" in output
    assert "do not match the channel's own sha256" in output


@pytest.mark.parametrize("sum_", ["sha256", "md5"])
def test_conda_package_without_checksum_is_refused(
    good: Channel, tmp_path: Path, sum_: str
) -> None:
    del good.records["linux-64"]["tool-1.0-0.tar.bz2"][sum_]
    good.write()
    assert f"the channel states no {sum_} for it" in refused(tmp_path, good.url)
