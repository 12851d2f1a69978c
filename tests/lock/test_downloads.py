"""Downloads of the rig with a checksum that is taken when the lock is made."""

from __future__ import annotations

import hashlib
import re
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from rigspec.lock.artifacts import hash_url
from rigspec.lock.errors import LockError
from tests.lock.http_server import Answer, Serve, send
from tests.lock.tiny_rig import Rigspec, lock_text, written

FILE = b"weights " * 1000
SHA256 = hashlib.sha256(FILE).hexdigest()


def with_download(folder: Path, url: str, sha256: str | None = None) -> Path:
    more = f'[download.weights]\nurl = "{url}"\nto = "/opt/weights.bin"\n'
    more += f'sha256 = "{sha256}"\n' if sha256 is not None else ""
    return written(folder, None, more=more)


def gives(request: BaseHTTPRequestHandler) -> None:
    send(request, FILE)


def test_download_without_checksum_is_hashed_once_and_marked(
    serve: Serve, tmp_path: Path, rigspec: Rigspec
) -> None:
    requested = []

    def counts(request: BaseHTTPRequestHandler) -> None:
        requested.append(request.path)
        send(request, FILE if len(requested) == 1 else FILE + b"changed")

    url = f"http://{serve(counts)}/weights.bin?v=1"
    spec, lock = with_download(tmp_path, url), tmp_path / "lock"
    done = rigspec("lock", spec, "-o", lock)
    assert done.returncode == 0, done.stderr
    assert "warning[RS514]: the checksum of `weights.bin` was taken over plain HTTP" in done.stderr
    for line in (f'sha256 = "{SHA256}"', 'pinned_by = "lock"', f"size = {len(FILE)}"):
        assert line in lock_text(tmp_path)

    done = rigspec("lock", spec, "-o", lock)
    assert "is up to date" in done.stderr
    assert requested == ["/weights.bin?v=1"]
    done = rigspec("lock", spec, "-o", lock, "--update", "weights")
    assert done.returncode == 0, done.stderr
    assert f"~ file of download.weights weights.bin sha256:{SHA256[:12]} → " in done.stderr


def test_download_with_checksum_needs_no_server(tmp_path: Path, rigspec: Rigspec) -> None:
    spec = with_download(tmp_path, "https://127.0.0.1:9/weights.bin", SHA256)
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert 'pinned_by = "spec"' in lock_text(tmp_path)


def halves(request: BaseHTTPRequestHandler) -> None:
    send(request, FILE[:4000], Content_Length=str(len(FILE)))
    request.close_connection = True


def cuts_a_chunk(request: BaseHTTPRequestHandler) -> None:
    request.protocol_version = "HTTP/1.1"
    request.send_response(200)
    request.send_header("Transfer-Encoding", "chunked")
    request.end_headers()
    request.wfile.write(b"1000\r\n" + FILE[:100])
    request.close_connection = True


def lies(request: BaseHTTPRequestHandler) -> None:
    digest = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    send(request, FILE, Repr_Digest=f"sha-256=:{digest}:")


def is_gone(request: BaseHTTPRequestHandler) -> None:
    send(request, b"not here", 404)


def breaks(request: BaseHTTPRequestHandler) -> None:
    send(request, b"", 503)


def hangs_up(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


def turns_in_circles(request: BaseHTTPRequestHandler) -> None:
    send(request, b"", 302, Location="/weights.bin")


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        (halves, "complete message body (received 4000 bytes, expected 8000)"),
        (cuts_a_chunk, "incomplete chunked read"),
        (lies, "checksum mismatch with the server"),
        (is_gone, "HTTP status 404"),
        (breaks, "HTTP status 503"),
        (hangs_up, "Server disconnected"),
        (turns_in_circles, "redirects"),
        (None, "Connection refused"),
    ],
)
def test_download_from_failing_server_exits_with_3_and_keeps_lock(
    answer: Answer | None,
    output: str,
    serve: Serve,
    tmp_path: Path,
    rigspec: Rigspec,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lock = tmp_path / "lock"
    assert rigspec("lock", written(tmp_path, None), "-o", lock).returncode == 0
    before = {path: path.read_bytes() for path in lock.rglob("*") if path.is_file()}
    monkeypatch.setenv("RIGSPEC_HTTP_TIMEOUT", "3")
    host = serve(answer) if answer is not None else "127.0.0.1:9"
    done = rigspec("lock", with_download(tmp_path, f"http://{host}/weights.bin"), "-o", lock)
    assert done.returncode == 3
    assert "error[RS504]: weights.bin could not be fetched" in done.stderr
    assert output in " ".join(done.stderr.split())
    assert before == {path: path.read_bytes() for path in lock.rglob("*") if path.is_file()}


def falls_silent(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(FILE)))
    request.end_headers()
    request.wfile.write(FILE[:100])
    request.wfile.flush()
    time.sleep(2)


def never_respond(request: BaseHTTPRequestHandler) -> None:
    time.sleep(2)


def trickles(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(FILE)))
    request.end_headers()
    for place in range(20):
        request.wfile.write(FILE[place : place + 1])
        request.wfile.flush()
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        (never_respond, "no response within 0.25 s"),
        (falls_silent, "no response within 0.25 s"),
        (trickles, "too slow"),
    ],
)
def test_download_from_too_slow_server_fails(
    answer: Answer, output: str, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIGSPEC_HTTP_TIMEOUT", "0.25")
    with pytest.raises(LockError, match=output) as failure:
        hash_url(f"http://{serve(answer)}/weights.bin")
    assert failure.value.status == 3


def test_download_from_slow_server_completes(serve: Serve) -> None:
    def hesitates(request: BaseHTTPRequestHandler) -> None:
        time.sleep(0.5)
        gives(request)

    assert hash_url(f"http://{serve(hesitates)}/weights.bin") == (SHA256, len(FILE))


@pytest.mark.e2e(minutes=1)
def test_interpreters_of_pyenv_and_uv_have_locked_archives(
    tmp_path: Path, rigspec: Rigspec
) -> None:
    envs = """
[env.old]
python = "3.6"
interpreter = "pyenv"
packages = { six = "*" }
[env.new]
python = "3.12"
interpreter = "uv"
packages = { six = "*" }
"""
    spec, lock = written(tmp_path, f"debian@sha256:{'ab' * 32}", more=envs), tmp_path / "lock"
    done = rigspec("lock", spec, "-o", lock)
    assert done.returncode == 0, done.stderr
    assert 'name = "Python-3.6.15.tar.xz"' in lock_text(tmp_path)
    assert re.search(r'name = "cpython-3\.12\.\d+\+\d+-x86_64-[^"]*\.tar\.', lock_text(tmp_path))
    assert lock_text(tmp_path).count('pinned_by = "matrix"\npart = "interpreter"') == 2
    assert "not pinned: Python" not in done.stderr
    done = rigspec("lock", spec, "-o", lock, "--check", "--require-digests")
    assert done.returncode == 0, done.stderr
