"""A server with faults: one function for each, and the wheel that it serves."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from http.server import BaseHTTPRequestHandler

from tests.lock.http_server import Answer, send

# The limit of a client in the tests, in seconds.
TIMEOUT_S = 0.25
WHEEL = "six-1.0-py3-none-any.whl"


METADATA = (
    *("Metadata-Version: 2.1", "Name: six", "Version: 1.0"),
    *(f"Classifier: Topic :: {number}" for number in range(200)),
)


def _wheel() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("six-1.0.dist-info/METADATA", "\n".join(METADATA))
        archive.writestr("six-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr("six-1.0.dist-info/RECORD", "")
    return buffer.getvalue()


DATA = _wheel()
SHA256 = hashlib.sha256(DATA).hexdigest()
PAGE = f'<a href="/files/{WHEEL}#sha256={SHA256}">{WHEEL}</a>'.encode()


def stall(request: BaseHTTPRequestHandler) -> None:
    time.sleep(3 * TIMEOUT_S)


def stall_in_body(request: BaseHTTPRequestHandler) -> None:
    begin(request, length=len(DATA))
    request.wfile.write(DATA[:100])
    time.sleep(3 * TIMEOUT_S)


def trickle(request: BaseHTTPRequestHandler) -> None:
    begin(request, length=len(DATA))
    for place in range(60):
        request.wfile.write(DATA[place : place + 1])
        time.sleep(TIMEOUT_S / 10)


def trickle_header(request: BaseHTTPRequestHandler) -> None:
    request.wfile.write(b"HTTP/1.1 200 OK\r\nX-Padding: ")
    for _ in range(60):
        request.wfile.write(b"a")
        time.sleep(TIMEOUT_S / 10)


def never_end(request: BaseHTTPRequestHandler) -> None:
    begin(request)
    for _ in range(1000):
        request.wfile.write(b"<a>" * (1 << 16))


def unpack_to_much(request: BaseHTTPRequestHandler) -> None:
    import gzip

    send(request, gzip.compress(b" " * (8 << 20)), Content_Encoding="gzip")


def be_busy(request: BaseHTTPRequestHandler) -> None:
    send(request, b"", 429, Retry_After="1000")


def break_down(request: BaseHTTPRequestHandler) -> None:
    send(request, b"", 503)


def fail(request: BaseHTTPRequestHandler) -> None:
    send(request, b"", 500)


def cut_off(request: BaseHTTPRequestHandler) -> None:
    begin(request, length=len(DATA))
    request.wfile.write(DATA[: len(DATA) // 2])


def hang_up(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


def turn_in_circles(request: BaseHTTPRequestHandler) -> None:
    send(request, b"", 302, Location=request.path)


def greet(request: BaseHTTPRequestHandler) -> None:
    page = b'<html>Welcome to the hotel: <a href="/login">log in</a></html>'
    send(request, page, Content_Type="text/html")


def send_other_file(request: BaseHTTPRequestHandler) -> None:
    send(request, DATA[:-1] + b"x", Content_Type="text/html")


def begin(request: BaseHTTPRequestHandler, length: int | None = None) -> None:
    request.send_response(200)
    request.send_header("Content-Type", "text/html")
    if length is not None:
        request.send_header("Content-Length", str(length))
    request.end_headers()
    request.close_connection = True


FAULTS: tuple[Answer, ...] = (
    *(stall, stall_in_body, trickle, trickle_header, never_end, unpack_to_much),
    *(be_busy, break_down, fail, cut_off, hang_up, turn_in_circles, greet, send_other_file),
)


def faulty(fault: Answer, part: str) -> Answer:
    """Answer well, but for the addresses below ``part``."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        try:
            if request.path.startswith(part):
                fault(request)
            elif request.path.startswith("/simple/"):
                send(request, PAGE, Content_Type="text/html")
            else:
                send(request, DATA)
        except OSError:
            pass  # the client has hung up

    return answer
