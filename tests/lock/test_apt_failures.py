"""Archives that fail, lie or are somebody else's: exit status 3, and the old lock as it was."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler

import pytest

from tests.lock.apt_rig import Box
from tests.lock.signed_archive import RELEASED, answer, package

# What fails, how, and the word for it.
INDEX, LIST = "bookworm/InRelease", "Packages.gz"


def halves(request: BaseHTTPRequestHandler, body: bytes) -> None:
    answer(request, body[: len(body) // 2], len(body))


def shortens(request: BaseHTTPRequestHandler, body: bytes) -> None:
    answer(request, body[: len(body) // 2])


def lies(request: BaseHTTPRequestHandler, body: bytes) -> None:
    answer(request, body[:-1] + bytes([body[-1] ^ 1]))


def lengthens(request: BaseHTTPRequestHandler, body: bytes) -> None:
    answer(request, body + b"\n" * 8)


def breaks(request: BaseHTTPRequestHandler, body: bytes) -> None:
    request.send_error(500)


def stalls(request: BaseHTTPRequestHandler, body: bytes) -> None:
    time.sleep(3)


def trickles(request: BaseHTTPRequestHandler, body: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    for byte in body:
        request.wfile.write(bytes([byte]))
        time.sleep(0.05)


def alters(request: BaseHTTPRequestHandler, body: bytes) -> None:
    answer(request, body.replace(b"Codename: bookworm", b"Codename: bookwarm"))


def unsigns(request: BaseHTTPRequestHandler, body: bytes) -> None:
    answer(request, body.split(b"\n\n", 1)[1].split(b"-----BEGIN PGP SIGNATURE")[0])


def doubles(request: BaseHTTPRequestHandler, body: bytes) -> None:
    answer(request, body.replace(b"Origin: Test", b"Origin: Nobody") + body)


@pytest.mark.parametrize(
    ("end", "fault", "output"),
    [
        (INDEX, breaks, "HTTP status 500"),
        (INDEX, stalls, "no response within 1 s (from 127.0.0.1:"),
        (INDEX, trickles, "too slow"),
        (INDEX, halves, "bookworm"),
        (INDEX, shortens, "it is not signed, or not whole"),
        (INDEX, unsigns, "it is not signed, or not whole"),
        (INDEX, doubles, "it is not signed, or not whole"),
        (INDEX, alters, "it was changed after it was signed"),
        (LIST, breaks, "HTTP status 500"),
        (LIST, halves, "the list of packages"),
        (LIST, shortens, "received"),
        (LIST, lengthens, "larger than"),
        (LIST, lies, "its sha256 is not the one that was signed"),
    ],
)
def test_apt_archive_failing_keeps_lock(
    end: str,
    fault: Callable[[BaseHTTPRequestHandler, bytes], None],
    output: str,
    box: Box,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box.lock()
    before = box.bytes
    monkeypatch.setenv("RIGSPEC_HTTP_TIMEOUT", "1")
    box.archive.faults[end] = fault
    done = box.run("lock", "--upgrade")
    assert done.exit_code == 3
    assert "error[RS504]" in done.output
    assert output in done.output
    assert "http:" not in done.output
    assert box.bytes == before


def test_apt_archive_down_keeps_lock(box: Box) -> None:
    box.lock()
    before = box.bytes
    done = box.asks("tool", mirror="http://127.0.0.1:9/{distribution}").run("lock")
    assert done.exit_code == 3
    assert "error[RS504]" in done.output
    assert box.bytes == before


@pytest.mark.parametrize(
    ("key", "output"),
    [
        ("other", "which is not a known key"),
        ("stranger", "a key that the keyring for it does not have"),
    ],
)
def test_apt_index_with_wrong_key_is_refused(key: str, output: str, box: Box) -> None:
    box.lock()
    before = box.bytes
    signer = getattr(box.archive.keys, key)
    box.archive.publish("bookworm-updates", package("tool", "9.9"), key=signer)
    done = box.run("lock", "--upgrade")
    assert done.exit_code == 3
    assert "error[RS504]" in done.output
    assert "bookworm-updates cannot be trusted" in done.output
    assert output in " ".join(done.output.split())
    assert box.bytes == before


def test_apt_index_with_weak_checksum_is_refused(box: Box) -> None:
    box.archive.publish("bookworm-updates", digest="SHA1")
    done = box.run("lock")
    assert done.exit_code == 3
    assert "over a checksum that can be forged" in " ".join(done.output.split())


def test_apt_index_expired_is_refused(box: Box) -> None:
    box.archive.publish("bookworm-updates", valid_until=RELEASED - dt.timedelta(days=900))
    done = box.run("lock")
    assert done.exit_code == 3
    assert "it was valid until 2024-06-03T08:30:00Z" in done.output


def test_apt_index_of_other_suite_is_refused(box: Box) -> None:
    stale = box.archive.files["/debian/dists/bookworm/InRelease"]
    box.archive.files["/debian/dists/bookworm-updates/InRelease"] = stale
    done = box.run("lock")
    assert done.exit_code == 3
    assert "it is that of bookworm" in done.output


def test_apt_suite_locked_and_missing_fails(box: Box) -> None:
    box.lock()
    del box.archive.files["/debian-security/dists/bookworm-security/InRelease"]
    done = box.run("lock")
    assert done.exit_code == 3
    assert "bookworm-security" in done.output
    assert "not pinned: updates from bookworm-security" in box.lock("--upgrade")
