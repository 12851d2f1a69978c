"""Who gives a name its address: a provider of dynamic DNS on loopback."""

from __future__ import annotations

import base64
import http.server
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.execution.roots import SystemRoot
from tests.serving import start_server


def check_provider_update(root: SystemRoot, port: int, folder: Path, credentials: str) -> None:
    """ddclient tells who shows a trusted certificate its address, and nobody else anything."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-subj", "/CN=provider"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", folder / "provider.key", "-out", folder / "provider.crt"),
        ],
        check=True,
        capture_output=True,
    )
    provider = Provider(port, folder)
    once = ("ddclient", "-daemon=0", "-foreground", "-noquiet", "-verbose")
    with provider.listening():
        # Who shows a certificate that nobody vouches for hears nothing, least of all a password.
        root.run(*once, check=False)
        assert provider.requests == []
        # Of a failure ddclient remembers to wait a while.
        root.run("rm", "-f", "/var/cache/ddclient/ddclient.cache")
        trusted = root.path / "usr/local/share/ca-certificates/provider.crt"
        shutil.copyfile(folder / "provider.crt", trusted)
        root.run("update-ca-certificates")
        done = root.run(*once, check=False)
        output = done.stdout + done.stderr
        trusted.unlink()
        root.run("update-ca-certificates", "--fresh")
    assert "good: IP address set to 203.0.113.7" in output, output
    (found,) = [each for each in provider.requests if each[0] != "/ip"]
    assert found[0].startswith("/nic/update?")
    assert "hostname=rig.example.org&myip=203.0.113.7" in found[0]
    scheme, _, encoded = found[1].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(encoded + "==").decode() == credentials


@dataclass
class Provider:
    """Who speaks dyndns2 over TLS, and says where it is asked from."""

    port: int
    folder: Path
    requests: list[tuple[str, str]] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[None]:
        requests = self.requests

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                requests.append((self.path, self.headers.get("Authorization", "")))
                body = b"203.0.113.7\n" if self.path == "/ip" else b"good 203.0.113.7\n"
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Answers)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "provider.crt", self.folder / "provider.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = start_server(server)
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
