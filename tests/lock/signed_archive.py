"""An archive of a test's own on loopback: packages in lists, and lists in signed indexes."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.serving import start_server

RELEASED = dt.datetime(2026, 11, 20, 8, 30, tzinfo=dt.timezone.utc)

Fault = Callable[[BaseHTTPRequestHandler, bytes], None]


@dataclass(frozen=True)
class Keys:
    """Three keys: the archive's own, one that its keyring has besides, and a stranger's."""

    home: Path
    keyring: Path
    own: str
    other: str
    stranger: str

    def sign(self, text: bytes, key: str, digest: str = "SHA512") -> bytes:
        return self._gpg("--local-user", key, "--digest-algo", digest, "--clearsign", text=text)

    def sign_apart(self, text: bytes, key: str) -> bytes:
        return self._gpg("--local-user", key, "--armor", "--detach-sign", text=text)

    def armored(self, *keys: str) -> bytes:
        return self._gpg("--armor", "--export", *keys)

    def stop(self) -> None:
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "gpg-agent"], check=True)

    def _gpg(self, *arguments: str, text: bytes = b"") -> bytes:
        command = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", *arguments]
        return subprocess.run(command, input=text, capture_output=True, check=True).stdout

    @classmethod
    def made(cls, folder: Path) -> Keys:
        home = folder / "gpg"
        home.mkdir(mode=0o700)
        keys = cls(home, folder / "keyring.gpg", "", "", "")
        found = []
        for name in ("own", "other", "stranger"):
            options = ("--passphrase", "", "--quick-generate-key", name, "rsa2048", "sign", "never")
            keys._gpg(*options)
            listed = keys._gpg("--with-colons", "--list-keys", name).decode()
            found.append(next(x for x in listed.splitlines() if x[:4] == "fpr:").split(":")[9])
        keys.keyring.write_bytes(keys._gpg("--export", *found[:2]))
        return cls(home, keys.keyring, *found)


def package(name: str, version: str = "1.0", **fields: str) -> str:
    """A paragraph of a list; a field `Pre_Depends` is Pre-Depends."""
    data = f"{name} {version}"
    lines = {
        "Package": name,
        "Version": version,
        "Architecture": "amd64",
        "Priority": "optional",
        "Filename": f"pool/{name}_{version}_amd64.deb",
        "Size": str(len(data)),
        "SHA256": hashlib.sha256(data.encode()).hexdigest(),
    }
    lines |= {name.replace("_", "-"): value for name, value in fields.items()}
    return "".join(f"{key}: {value}\n" for key, value in lines.items())


BASE = (
    package("libc6", "2.36", Priority="optional"),
    package("dpkg", "1.21", Essential="yes", Priority="required", Pre_Depends="libc6 (>= 2.15)"),
    package("apt", "2.6", Priority="important", Depends="libc6"),
)


@dataclass
class SignedArchive:
    """Published files are served under their paths; ``faults`` are by the end of one."""

    keys: Keys
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    address: str = ""

    def publish(
        self,
        suite: str,
        *packages: str,
        archive: str = "debian",
        key: str | None = None,
        released: dt.datetime = RELEASED,
        valid_until: dt.datetime | None = None,
        component: str = "main",
        digest: str = "SHA512",
    ) -> None:
        """Make a suite hold these packages and no others."""
        path = f"{component}/binary-amd64/Packages"
        plain = "\n".join(packages).encode()
        found = {path: plain, f"{path}.gz": gzip.compress(plain, mtime=0)}
        lines = ["Origin: Test", f"Suite: {suite}", f"Codename: {suite}"]
        lines += [f"Date: {format_datetime(released, usegmt=True)}"]
        if valid_until is not None:
            lines += [f"Valid-Until: {format_datetime(valid_until, usegmt=True)}"]
        lines += ["SHA256:"]
        lines += [
            f" {hashlib.sha256(data).hexdigest()} {len(data)} {name}"
            for name, data in found.items()
        ]
        root = f"/{archive}/dists/{suite}"
        signed = self.keys.sign("\n".join(lines).encode() + b"\n", key or self.keys.own, digest)
        self.files |= {f"{root}/{name}": data for name, data in found.items()}
        self.files[f"{root}/InRelease"] = signed

    def publish_flat(
        self,
        folder: str,
        *packages: str,
        key: str,
        apart: bool = False,
        released: dt.datetime = RELEASED,
        valid_until: dt.datetime | None = None,
    ) -> None:
        """Make a flat repository hold these packages and no others, as NVIDIA publishes its own.

        Its index is signed within, or ``apart``: by a second file.
        """
        plain = "\n".join(packages).encode()
        found = {"Packages": plain, "Packages.gz": gzip.compress(plain, mtime=0)}
        lines = ["Origin: Test", "Label: Flat", "Architecture: x86_64"]
        lines += [f"Date: {format_datetime(released)}"]
        if valid_until is not None:
            lines += [f"Valid-Until: {format_datetime(valid_until)}"]
        lines += ["SHA256:"]
        lines += [
            f" {hashlib.sha256(data).hexdigest()} {len(data):>16} {name}"
            for name, data in found.items()
        ]
        text = "\n".join([*lines, "Acquire-By-Hash: no"]).encode() + b"\n"
        if apart:
            found |= {"Release": text, "Release.gpg": self.keys.sign_apart(text, key)}
        else:
            found["InRelease"] = self.keys.sign(text, key)
        for name in ("InRelease", "Release", "Release.gpg"):
            self.files.pop(f"{folder}/{name}", None)
        self.files |= {f"{folder}/{name}": data for name, data in found.items()}

    def serve(self) -> ThreadingHTTPServer:
        archive = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = archive.files.get(self.path)
                if body is None:
                    self.send_error(404)
                    return
                for end, fault in archive.faults.items():
                    if self.path.endswith(end):
                        fault(self, body)
                        return
                answer(self, body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        start_server(server)
        self.address = f"http://127.0.0.1:{server.server_port}"
        return server


def answer(request: BaseHTTPRequestHandler, body: bytes, size: int | None = None) -> None:
    """Send a body, and say that it has a size."""
    request.send_response(200)
    request.send_header("Content-Length", str(len(body) if size is None else size))
    request.end_headers()
    request.wfile.write(body)
    request.close_connection = True
