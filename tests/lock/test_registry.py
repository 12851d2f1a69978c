"""Registries that fail, that want a log-in, or that send something else than they promised."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from rigspec.diagnostics.model import Diagnostic
from rigspec.lock.errors import LockError
from rigspec.lock.model import LockedMachine
from rigspec.lock.oci import client, manifest
from rigspec.lock.oci.base_image import BaseImageLocker
from rigspec.lock.oci.manifest import Blob
from rigspec.resolution import Resolution
from rigspec.spec.image_reference import ImageReference
from rigspec.spec.models.rig import Rig
from tests.containers import Buildah, local_registry
from tests.lock.http_server import Answer, Serve, send
from tests.lock.tiny_rig import Rigspec, lock_text, written

MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [
            {
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": f"sha256:{'ab' * 32}",
                "size": 7,
                "platform": {"os": "linux", "architecture": "amd64"},
            }
        ],
    }
).encode()
DIGEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"


def lies(request: BaseHTTPRequestHandler) -> None:
    send(request, MANIFEST, Docker_Content_Digest=f"sha256:{'cd' * 32}")


def halves(request: BaseHTTPRequestHandler) -> None:
    send(request, MANIFEST[:50], Content_Length=str(len(MANIFEST)))
    request.close_connection = True


def cuts_off(request: BaseHTTPRequestHandler) -> None:
    """Half a manifest, and no word on how long it should have been."""
    request.send_response(200)
    request.end_headers()
    request.wfile.write(MANIFEST[:50])
    request.close_connection = True


def chats(request: BaseHTTPRequestHandler) -> None:
    send(request, b"<html>Welcome to the hotel</html>", Content_Type="text/html")


def floods(request: BaseHTTPRequestHandler) -> None:
    send(request, b" " * (5 << 20) + MANIFEST)


def breaks(request: BaseHTTPRequestHandler) -> None:
    send(request, b"", 503)


def is_no_registry(request: BaseHTTPRequestHandler) -> None:
    send(request, b"not here", 404)


def hangs_up(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


def stalls(request: BaseHTTPRequestHandler) -> None:
    time.sleep(3)


def trickles(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(len(MANIFEST)))
    request.end_headers()
    for place in range(20):
        request.wfile.write(MANIFEST[place : place + 1])
        request.wfile.flush()
        time.sleep(0.1)
    request.close_connection = True


def gives_tokens(request: BaseHTTPRequestHandler) -> None:
    """As the token authentication of the distribution specification has it."""
    host = request.headers["Host"]
    right = request.headers.get("Authorization", "")
    if request.path.startswith("/token?"):
        login = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
        requested = "service=test&scope=repository%3Ateam%2Fone%3Apull%2Cpush"
        if right != f"Basic {login}" or sorted(requested.split("&")) != sorted(
            request.path.partition("?")[2].split("&")
        ):
            send(request, b"{}", 401)
            return
        send(request, b'{"token": "letmein"}')
    elif right != "Bearer letmein":
        challenge = f'Bearer realm="http://{host}/token",service="test",'
        challenge += 'scope="repository:team/one:pull,push"'
        send(request, b"", 401, WWW_Authenticate=challenge)
    else:
        send(request, MANIFEST, Docker_Content_Digest=DIGEST)


@pytest.mark.parametrize(
    ("answer", "output"),
    [
        (lies, "digest mismatch: expected sha256:cdcdcd"),
        (halves, "complete message body (received 50 bytes, expected"),
        (cuts_off, "the response is not valid"),
        (chats, "the response is not valid"),
        (floods, "it is larger than any manifest"),
    ],
)
def test_registry_with_wrong_digest_exits_with_3(
    answer: Answer,
    output: str,
    serve: Serve,
    tmp_path: Path,
    rigspec: Rigspec,
) -> None:
    spec, lock = written(tmp_path, "team/one:1", serve(answer)), tmp_path / "lock"
    lock.mkdir()
    (lock / "rig.lock").write_text("the old lock", encoding="utf-8")
    done = rigspec("lock", spec, "-o", lock)
    assert done.returncode == 3
    assert "error[RS504]: the image 127.0.0.1:" in done.stderr
    assert output in " ".join(done.stderr.split())
    assert lock_text(tmp_path) == "the old lock"
    assert [path.name for path in lock.iterdir()] == ["rig.lock"]


@pytest.mark.parametrize("answer", [breaks, is_no_registry, hangs_up])
def test_registry_without_answer_warns(
    answer: Answer, serve: Serve, tmp_path: Path, rigspec: Rigspec
) -> None:
    spec = written(tmp_path, "team/one:1", serve(answer))
    done = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert done.returncode == 0, done.stderr
    assert "warning[RS512]" in done.stderr
    assert "warning[RS505]: not pinned: base image team/one:1" in done.stderr


def test_registry_silent_warns_and_slow_fails(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIGSPEC_HTTP_TIMEOUT", "0.5")
    silent = ImageReference.parse(f"{serve(stalls)}/team/one:1")
    with pytest.raises(client.Unreachable, match="no response within"):
        manifest.compute_digest(silent, "x86_64")
    slow = ImageReference.parse(f"{serve(trickles)}/team/one:1")
    with pytest.raises(LockError, match="too slow") as failure:
        manifest.compute_digest(slow, "x86_64")
    assert failure.value.status == 3


def test_registry_silent_is_queried_once(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RIGSPEC_HTTP_TIMEOUT", "1.875")
    requested = []

    def never_respond(request: BaseHTTPRequestHandler) -> None:
        requested.append(request.path)
        time.sleep(2)

    rig = Rig.model_validate(
        {"rig": 1, "name": "tiny", "mirrors": {"images": serve(never_respond)}}
    )
    warnings: list[Diagnostic] = []
    base_images = BaseImageLocker(rig, warnings.append)
    for system in ("debian 11", "debian 12"):
        resolution = Resolution(machine=system, os=system, arch="x86_64", accelerator="cpu")
        machine = base_images.add_image(LockedMachine(resolution), None)
        assert [item.part for item in machine.unpinned] == ["image"]
    assert requested == ["/v2/debian/manifests/11"]
    assert ["no response within 0.5 s" in warning.message for warning in warnings] == [True, True]


def test_login_is_not_sent_after_redirect(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Registries send the bytes of blobs from elsewhere."""
    sent = []

    def stores(request: BaseHTTPRequestHandler) -> None:
        sent.append(request.headers.get("Authorization"))
        send(request, MANIFEST)

    storage = serve(stores)

    def redirects(request: BaseHTTPRequestHandler) -> None:
        if request.headers.get("Authorization") is None:
            send(request, b"", 401, WWW_Authenticate='Basic realm="test"')
        else:
            send(request, b"", 307, Location=f"http://{storage}/there")

    host = serve(redirects)
    log_in(tmp_path / "docker", host, monkeypatch)
    image = ImageReference.parse(f"{host}/team/one:1")
    assert manifest.compute_digest(image, "x86_64") == DIGEST
    assert sent == [None]


@pytest.mark.parametrize(
    ("body", "output"),
    [
        (b"half", "digest mismatch: expected"),
        (b"other", "digest mismatch: expected"),
        (b"much more than stated", "more than the 5 bytes of"),
    ],
)
def test_blob_with_wrong_digest_leaves_no_file(
    body: bytes, output: str, serve: Serve, tmp_path: Path
) -> None:
    image = ImageReference.parse(f"{serve(lambda request: send(request, body))}/team/one:1")
    blob = Blob(f"sha256:{hashlib.sha256(b'layer').hexdigest()}", 5)
    with pytest.raises(LockError, match=output) as failure:
        manifest.fetch_blob(image, blob, tmp_path / "layer")
    assert failure.value.status == 3
    assert not any(tmp_path.iterdir())


def test_blob_missing_in_registry_raises(host: str, tmp_path: Path) -> None:
    image = ImageReference.parse(f"{host}/team/none:1")
    with pytest.raises(LockError, match="not in its registry") as failure:
        manifest.fetch_manifest(image, "x86_64")
    assert failure.value.status == 3


def test_registry_with_tokens_returns_digest(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = serve(gives_tokens)
    image = ImageReference.parse(f"{host}/team/one:1")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "nowhere"))
    with pytest.raises(client.RegistryError, match="its login returned HTTP status 401"):
        manifest.compute_digest(image, "x86_64")
    log_in(tmp_path / "docker", host, monkeypatch)
    assert manifest.compute_digest(image, "x86_64") == DIGEST


LOGINS = "ann:$2b$04$.NAj1HF5Jc3whP7NR0H4zOT.b1ADC1jk6EKidIG9UibBA6MMiscbS\n"
PASSWORD = "correct horse"


def log_in(folder: Path, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir(exist_ok=True)
    login = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
    config = json.dumps({"auths": {host: {"auth": login}}})
    (folder / "config.json").write_text(config, encoding="utf-8")
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))


def test_registry_with_login_returns_digest(
    buildah: Buildah, tmp_path: Path, rigspec: Rigspec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "nowhere"))
    with local_registry(tmp_path / "registry", LOGINS) as host:
        spec = written(tmp_path, "team/one:1", host)
        done = rigspec("lock", spec, "-o", tmp_path / "lock")
        assert done.returncode == 0, done.stderr
        assert "authentication required (HTTP 401); run `docker login`" in done.stderr

        log_in(tmp_path / "docker", host, monkeypatch)
        monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "docker" / "config.json"))
        digest = buildah.pushed("localhost/one", f"{host}/team/one:1")
        done = rigspec("lock", spec, "-o", tmp_path / "lock")
        assert done.returncode == 0, done.stderr
        assert digest in lock_text(tmp_path)
        shown = done.stdout + done.stderr + lock_text(tmp_path)
        assert PASSWORD not in shown
        assert base64.b64encode(f"ann:{PASSWORD}".encode()).decode() not in shown
