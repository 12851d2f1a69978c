"""Real containers for the tests: buildah with a store of its own, and a registry on loopback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen


class Buildah:
    """buildah with a store of its own."""

    def __init__(self, store: Path) -> None:
        self._options = ["--root", str(store / "root"), "--runroot", str(store / "run")]
        self._options += ["--storage-driver", "vfs"]

    def __call__(self, command: str, *arguments: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["buildah", *self._options, command, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            env={**os.environ, "BUILDAH_ISOLATION": "chroot"},
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout.strip()

    def started(self, container: str, options: Sequence[str], *command: str) -> Popen[str]:
        """A command that goes on in a container; what it starts is in one group with it."""
        return subprocess.Popen(
            ["buildah", *self._options, "run", *options, container, "--", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "BUILDAH_ISOLATION": "chroot"},
            start_new_session=True,
        )

    def image(self, name: str, content: Path, arch: str = "amd64") -> None:
        """An image that holds a folder and nothing else."""
        container = self("from", "--arch", arch, "scratch")
        self("copy", container, str(content), "/")
        self("config", "--arch", arch, container)
        self("commit", "--rm", container, name)

    def pushed(self, name: str, to: str, *, index: bool = False) -> str:
        """Push an image, or an index with all its images; the digest of what was pushed."""
        file = Path(self._options[1]).parent / "digest"
        options = ["--tls-verify=false", "--digestfile", str(file)]
        if index:
            self("manifest", "push", *options, "--all", name, f"docker://{to}")
        else:
            self("push", *options, name, f"docker://{to}")
        digest = file.read_text(encoding="utf-8")
        file.unlink()
        assert digest.startswith("sha256:"), f"nothing was pushed of {name}"
        return digest


@contextmanager
def local_registry(folder: Path, logins: str | None = None) -> Iterator[str]:
    """A registry on loopback that keeps its images in the folder; its host and port.

    ``logins`` are lines as htpasswd writes them: the registry then requires one of these log-ins.
    """
    folder.mkdir(exist_ok=True)
    if logins is not None:
        (folder / "logins").write_text(logins, encoding="utf-8")
    for left in reversed(range(5)):
        host, server = _started(folder, with_logins=logins is not None)
        try:
            if _listens(host, server):
                yield host
                return
        finally:
            server.terminate()
            server.wait(10)
        log = (folder / "log").read_text(encoding="utf-8")
        # Between the look for a free port and its use, another worker's registry may take it.
        raced = "address already in use" in log
        assert raced, f"the registry does not listen: {log}"
        assert left, "five ports were taken one after the other"


def _started(folder: Path, *, with_logins: bool) -> tuple[str, subprocess.Popen[bytes]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
    settings: dict[str, object] = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "images")},
            "delete": {"enabled": True},
        },
        "http": {"addr": host},
    }
    if with_logins:
        settings["auth"] = {"htpasswd": {"realm": "test", "path": str(folder / "logins")}}
    # JSON is YAML, too.
    (folder / "settings.yml").write_text(json.dumps(settings), encoding="utf-8")
    with open(folder / "log", "wb") as log:
        command = ["docker-registry", "serve", str(folder / "settings.yml")]
        return host, subprocess.Popen(command, stdout=log, stderr=log)


def _listens(host: str, server: subprocess.Popen[bytes]) -> bool:
    """Whether the server comes to listen; False where it ends or takes more than ten seconds."""
    address, _, port = host.partition(":")
    for _ in range(200):
        with socket.socket() as probe:
            connected = probe.connect_ex((address, int(port))) == 0
        if server.poll() is not None:
            return False
        if connected:
            return True
        time.sleep(0.05)
    return False


class Docker:
    """Docker's own client, with a daemon of the test's own: its builder is BuildKit."""

    def __init__(self, socket_file: Path) -> None:
        self.environment = {
            **os.environ,
            "DOCKER_HOST": f"unix://{socket_file}",
            "DOCKER_BUILDKIT": "1",
        }

    def __call__(self, *arguments: str | Path, cwd: Path | None = None) -> str:
        # Debian's client: one of another origin may need a separate builder.
        done = subprocess.run(
            ["/usr/bin/docker", *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            env=self.environment,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        # BuildKit reports its progress on the error stream.
        return (done.stdout + done.stderr).strip()

    def image(self, name: str, root: Path) -> None:
        """An image of a system in a folder, with the PATH that every distribution's own has."""
        path = "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        packed = subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE)
        done = subprocess.run(
            ["/usr/bin/docker", "import", "--change", path, "-", name],
            stdin=packed.stdout,
            capture_output=True,
            check=False,
            env=self.environment,
        )
        assert (packed.wait(), done.returncode) == (0, 0), done.stderr


def _has_overlays(folder: Path) -> bool:
    """Whether the file system of the folder can be below and above an overlay."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        parts = [Path(place, name) for name in ("low", "up", "work", "all")]
        for part in parts:
            part.mkdir()
        low, up, work, both = parts
        options = f"lowerdir={low},upperdir={up},workdir={work}"
        command = ["mount", "-t", "overlay", "overlay", "-o", options, both]
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
        if mounted:
            subprocess.run(["umount", both], check=True)
        return mounted


@contextmanager
def docker_engine(folder: Path) -> Iterator[Docker]:
    """An engine that keeps everything in the folder and leaves the machine's network alone."""
    folder.mkdir(exist_ok=True)
    # Without overlays, each layer is a copy of the whole system.
    storage = "overlay2" if _has_overlays(folder) else "vfs"
    # A socket's path is short.
    with tempfile.TemporaryDirectory(prefix="rig") as short:
        place = Path(short)
        options = ["--data-root", folder / "data", "--exec-root", place / "exec"]
        options += ["--pidfile", place / "pid", "--host", f"unix://{place / 'socket'}"]
        options += ["--iptables=false", "--ip6tables=false", "--bridge=none"]
        with open(folder / "log", "wb") as log:
            server = subprocess.Popen(
                ["dockerd", *options, f"--storage-driver={storage}"], stdout=log, stderr=log
            )
        try:
            for _ in range(600):
                assert server.poll() is None, (folder / "log").read_text(encoding="utf-8")[-3000:]
                if (place / "socket").exists():
                    break
                time.sleep(0.1)
            yield Docker(place / "socket")
        finally:
            server.terminate()
            server.wait(60)
            # The engine leaves the name of its host network mounted: its folder cannot go then.
            for namespace in (place / "exec" / "netns").glob("*"):
                subprocess.run(["umount", namespace], check=False)
