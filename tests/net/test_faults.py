"""Every fault of a server, on every client: an error with exit status 3 that names the server."""

from __future__ import annotations

import re
import resource
import socket
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest
from packaging.version import Version

from rigspec.bundle.downloads import fetch_file
from rigspec.bundle.model import write_verified
from rigspec.lock.apt.download import download
from rigspec.lock.artifacts import hash_url
from rigspec.lock.errors import LockError, index_failure
from rigspec.lock.oci.client import RegistryError
from rigspec.lock.oci.manifest import compute_digest
from rigspec.lock.python.engines import resolvelib, uv
from rigspec.lock.python.index import metadata, package_index
from rigspec.lock.python.index.package_index import PackageIndex
from rigspec.lock.python.request import ResolveRequest
from rigspec.lock.python.requirements_file import HashedPin
from rigspec.lock.python.target_interpreter import TargetInterpreter
from rigspec.net import http
from rigspec.net.http import LimitedClient, describe_error
from rigspec.net.limits import InvalidTimeout, TransferLimit, read_timeout
from rigspec.spec.image_reference import ImageReference
from tests.lock.http_server import Answer, Serve, send
from tests.net.faulty_server import (
    DATA,
    FAULTS,
    SHA256,
    TIMEOUT_S,
    WHEEL,
    cut_off,
    fail,
    faulty,
    greet,
    never_end,
    send_other_file,
    stall,
    turn_in_circles,
    unpack_to_much,
)

PYTHON = TargetInterpreter("3.12", (2, 39), "x86_64", "24.0")


class Client(NamedTuple):
    """A client: what it does with the address of a server, and the request that is at fault."""

    use: Callable[[str, Path], object]
    part: str


def request(host: str) -> ResolveRequest:
    return ResolveRequest("lab", ("six",), PYTHON, (), f"http://{host}/simple")


def read_list(host: str, _: Path) -> object:
    return PackageIndex(PYTHON, f"http://{host}/simple").offers("six")


def read_wheel(host: str, _: Path) -> object:
    index = PackageIndex(PYTHON, f"http://{host}/simple")
    return index.requirements(index.offers("six")[0])


def fetch_wheel(host: str, folder: Path) -> object:
    index = PackageIndex(PYTHON, f"http://{host}/simple")
    file = index.file_of(HashedPin("six", Version("1.0"), frozenset({SHA256})))
    assert file is not None
    with write_verified(folder / WHEEL, file.sha256) as write:
        write(file.blocks())
    return file


def lock_with_uv(host: str, _: Path) -> object:
    return uv.compile_requirements(request(host))


def lock_with_resolvelib(host: str, _: Path) -> object:
    return resolvelib.compile_requirements(request(host))


def read_apt_list(host: str, _: Path) -> object:
    data = download(f"http://{host}/files/Packages", "the list of packages", 1 << 16)
    if data != DATA:
        raise index_failure("the list", "its checksum differs")  # as the caller of `download` does
    return data


def hash_download(host: str, _: Path) -> object:
    return hash_url(f"http://{host}/files/weights.bin")


def fetch_download(host: str, folder: Path) -> object:
    return fetch_file(f"http://{host}/files/weights.bin", SHA256, folder / "weights.bin")


def read_image(host: str, _: Path) -> object:
    image = ImageReference.parse(f"{host}/team/one:1")
    return compute_digest(image, "x86_64")


CLIENTS = {
    "index": Client(read_list, "/simple/"),
    "wheel": Client(read_wheel, "/files/"),
    "fetched wheel": Client(fetch_wheel, "/files/"),
    "uv": Client(lock_with_uv, "/simple/"),
    "uv, its own requests": Client(lock_with_uv, "/files/"),
    "resolvelib": Client(lock_with_resolvelib, "/files/"),
    "apt": Client(read_apt_list, "/files/"),
    "download": Client(hash_download, "/files/"),
    "fetched download": Client(fetch_download, "/files/"),
    "registry": Client(read_image, "/v2/"),
}


# No client of one file can see these: the user's own download without a checksum is any file.
NO_FAULT = {
    ("download", greet),
    ("download", send_other_file),
    ("download", unpack_to_much),
}
# uv has limits in whole seconds. It reads only the metadata of a wheel, and takes its checksum from
# the index; the installer and `fetch` compare it with the file.
NO_FAULT |= {
    ("uv, its own requests", fault)
    for fault in FAULTS
    if fault not in (cut_off, turn_in_circles, greet, fail)
}
# It is preceded by the client of the index.
NO_FAULT |= {
    ("uv", fault) for fault in FAULTS if fault not in (stall, never_end, greet, turn_in_circles)
}


@pytest.fixture(autouse=True)
def _short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIGSPEC_HTTP_TIMEOUT", str(TIMEOUT_S))
    monkeypatch.setenv("UV_NO_CACHE", "1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setattr(http, "PAGE", TransferLimit(1 << 20, 600.0))
    limits = ((http, "FILE"), (package_index, "FILE"), (metadata, "_WHEEL"), (metadata, "_SDIST"))
    for module, limit in limits:
        monkeypatch.setattr(module, limit, TransferLimit(1 << 20))


def failed_after_transfer(error: LockError) -> bool:
    """Return whether the bytes came, but are wrong: the error names the file, not the server."""
    return any(word in str(error) for word in ("damaged", "sha256", "checksum", "the image"))


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        pytest.param(name, fault, id=f"{name}-{fault.__name__}")
        for name in CLIENTS
        for fault in FAULTS
        if (name, fault) not in NO_FAULT
    ],
)
def test_client_of_faulty_server_fails_in_time_and_names_it(
    name: str, fault: Answer, serve: Serve, tmp_path: Path
) -> None:
    client = CLIENTS[name]
    host = serve(faulty(fault, client.part))
    begun, memory = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    with pytest.raises((LockError, RegistryError)) as failure:
        client.use(host, tmp_path)

    assert time.monotonic() - begun < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 64 << 10
    if isinstance(failure.value, LockError):
        assert failure.value.status == 3, failure.value.diagnostic
        assert f"from {host}" in str(failure.value) or failed_after_transfer(failure.value)
    assert "http:" not in str(failure.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", CLIENTS)
def test_client_of_absent_server_fails_at_once(name: str, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises((LockError, RegistryError)) as failure:
            CLIENTS[name].use(host, tmp_path)
    if isinstance(failure.value, LockError):
        assert failure.value.status == 3
        assert f"from {host}" in str(failure.value)


def test_error_names_the_host_without_password_and_query() -> None:
    with pytest.raises(LockError) as failure:
        hash_url("http://ann:pa55@127.0.0.1:9/weights.bin?token=abc")
    message = str(failure.value)
    assert "from 127.0.0.1:9" in message
    assert not {"ann", "pa55", "abc"} & set(re.findall(r"\w+", message))


@pytest.mark.parametrize("name", [name for name in CLIENTS if name != "registry"])
def test_client_of_good_server_succeeds(
    name: str, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RIGSPEC_HTTP_TIMEOUT")
    CLIENTS[name].use(serve(faulty(greet, "/nothing")), tmp_path)


@pytest.mark.parametrize("status", [404, 403])
@pytest.mark.parametrize("name", ["index", "uv", "resolvelib"])
def test_address_that_is_no_index_is_a_fault(name: str, status: int, serve: Serve) -> None:
    host = serve(lambda request: send(request, b"", status))
    with pytest.raises(LockError, match=f"{status}.*also for the list of all") as failure:
        CLIENTS[name].use(host, Path())
    assert failure.value.status == 3


@pytest.mark.parametrize("name", ["uv", "resolvelib"])
def test_package_that_index_lacks_is_a_conflict(name: str, serve: Serve) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        at_top = request.path == "/simple/"
        send(request, b"<html>" if at_top else b"", 200 if at_top else 404)

    with pytest.raises(LockError) as failure:
        CLIENTS[name].use(serve(answer), Path())
    assert failure.value.status == 1


@pytest.mark.parametrize(
    "body", [b"{}", b'{"files": 3}', b"[" * 100000, b"\xff", b'{"files": ["x"]}']
)
def test_damaged_page_of_index_is_a_fault(body: bytes, serve: Serve) -> None:
    kind = "application/vnd.pypi.simple.v1+json"
    host = serve(lambda request: send(request, body, Content_Type=kind))
    with pytest.raises(LockError, match=f"not a page of a package index .from {host}"):
        read_list(host, Path())


def test_redirect_to_plain_http_is_refused() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(302, headers={"Location": "http://mirror.example.org/x"})

    client = LimitedClient(transport=httpx2.MockTransport(answer))
    with pytest.raises(http.BadTransfer, match="redirected from https to plain http") as failure:
        client.get("https://index.example.org/x")
    assert http.find_host(failure.value) == "index.example.org"


def test_busy_server_is_waited_for_and_no_longer_than_allowed(serve: Serve) -> None:
    answered: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        answered.append(request.path)
        send(request, DATA, 429 if len(answered) < 3 else 200, Retry_After="1000")

    begun = time.monotonic()
    assert hash_url(f"http://{serve(answer)}/files/a")[0] == SHA256
    assert len(answered) == 3
    assert time.monotonic() - begun < 2


def test_error_without_words_is_described() -> None:
    assert describe_error(httpx2.ReadTimeout("")) == "no response within 0.25 s"
    assert describe_error(httpx2.ConnectError("[Errno 111] Connection refused")) == (
        "Connection refused"
    )


@pytest.mark.parametrize("text", ["", "12", "0.5"])
def test_timeout_from_variable_is_read(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIGSPEC_HTTP_TIMEOUT", text)
    assert read_timeout() == (float(text) if text else 30.0)


@pytest.mark.parametrize("text", ["soon", "-1", "0", "nan", "inf"])
def test_timeout_that_is_no_number_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIGSPEC_HTTP_TIMEOUT", text)
    with pytest.raises(InvalidTimeout, match="not a positive number"):
        read_timeout()
