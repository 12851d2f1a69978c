"""The Dockerfile, built by buildah on a base image made from a real Debian 11."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.containers import Buildah, docker_engine, local_registry
from tests.execution.conftest import KEPT
from tests.execution.roots import make_root
from tests.execution.test_shell import PYTHON, SESSION
from tests.serving import start_server

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def buildah(tmp_path: Path) -> Iterator[Buildah]:
    tool = Buildah(tmp_path / "store")
    yield tool
    tool("rm", "--all")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    with local_registry(tmp_path / "registry") as host:
        yield host


@pytest.fixture
def base(buildah: Buildah, registry: str, debian_11_base: Path, tmp_path: Path) -> str:
    """The digest of a Debian 11 in the registry."""
    buildah.image("localhost/debian:11", debian_11_base)
    digest = buildah.pushed("localhost/debian:11", f"{registry}/debian:11")
    buildah("rmi", "localhost/debian:11")
    return digest


@pytest.fixture
def pinned(registry: str, base: str, buildah: Buildah, rigspec: Rigspec, tmp_path: Path) -> Path:
    """specs/legacy-cpu.toml behind that registry, its committed lock locked on, and compiled.

    After the lock was made the tag moves on to an image that is no system.
    """
    text = (ROOT / "specs" / "legacy-cpu.toml").read_text(encoding="utf-8")
    spec, lock, out = tmp_path / "rig.toml", tmp_path / "lock", tmp_path / "out"
    spec.write_text(f'{text}\n[mirrors]\nimages = "{registry}"\n', encoding="utf-8")
    shutil.copytree(ROOT / "lockfiles" / "legacy-cpu", lock)
    done = rigspec("lock", spec, "-o", lock, "--require-digests")
    assert done.returncode == 0, done.stderr

    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "nothing").touch()
    buildah.image("localhost/moved", tmp_path / "empty")
    assert buildah.pushed("localhost/moved", f"{registry}/debian:11") != base

    options = ("--lock", lock, "--target", "docker", "--locked", "-o", out)
    done = rigspec("compile", spec, *options, "--require-digests")
    assert done.returncode == 0, done.stderr
    return out / "docker"


@pytest.mark.e2e(minutes=2)
def test_docker_image_tensorflow_1_8_computes(
    buildah: Buildah, registry: str, base: str, pinned: Path
) -> None:
    dockerfile = (pinned / "Dockerfile").read_text(encoding="utf-8")
    assert f"ARG BASE={registry}/debian:11@{base}\n" in dockerfile
    buildah(
        "build",
        *("--format", "docker", "--layers=false", "--network=host", "--tls-verify=false"),
        *("--tag", "localhost/legacy-cpu", "."),
        cwd=pinned,
    )

    container = buildah("from", "--pull-never", "localhost/legacy-cpu")
    output = buildah("run", container, "--", PYTHON, "-c", SESSION)
    assert output.split() == ["1.8.0", "10.0"]
    assert buildah("run", container, "--", "id", "-u") == "1000"


# Every kind of step that an image has, with nothing to fetch that takes long.
SMALL = """
rig = 1
name = "small"
summary = "A rig of every kind of step"

[machine.box]
os = "debian 12"

[system]
packages = ["tree"]
env = {{ CPATH = {{ prepend = ["/opt/rig/include"] }}, RIG_WORD = 'a $word "of" many' }}

[download.notice]
url = "{notice}"
sha256 = "{sha256}"
to = "/srv/rig/notice"

[env.tools]
python = "3.11"
packages = {{ six = "1.16.0" }}

[user.alice]
gpus = []
"""
# Prints what a session sees, one variable a line.
SEEN = 'printf "%s\\n" "$CPATH" "$RIG_WORD" "$(id -u)" "$HOME"'
WORD = 'a $word "of" many'


def rebuilt(output: str) -> list[str]:
    """The instructions of a build that were not taken from the cache, in order."""
    steps = dict(re.findall(r"^#(\d+) \[[^]]*\d+/\d+\] ((?:RUN|COPY) .*)$", output, re.MULTILINE))
    cached = set(re.findall(r"^#(\d+) CACHED$", output, re.MULTILINE))
    assert steps, output
    order = [number for number in steps if number not in cached]
    return [steps[number] for number in sorted(order, key=int)]


def compile_small(rigspec: Rigspec, folder: Path, six: str) -> Path:
    """The rig of the folder with another version of a requirement, locked and compiled."""
    spec = folder / "small.toml"
    text = re.sub(r'six = ".*?"', f'six = "{six}"', spec.read_text(encoding="utf-8"))
    spec.write_text(text, encoding="utf-8")
    lock, out = folder / "small-lock", folder / "small"
    done = rigspec("lock", spec, "-o", lock)
    assert done.returncode == 0, done.stderr
    done = rigspec("compile", spec, "--target", "docker", "--locked", "--lock", lock, "-o", out)
    assert done.returncode == 0, done.stderr
    return out / "docker"


@pytest.fixture
def small(rigspec: Rigspec, tmp_path: Path) -> Iterator[Path]:
    """The small rig, locked and compiled; what it downloads is served on loopback."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "notice").write_text("a notice\n", encoding="utf-8")
    with _served(tmp_path / "www") as address:
        sha256 = hashlib.sha256(b"a notice\n").hexdigest()
        text = SMALL.format(notice=f"{address}/notice", sha256=sha256)
        (tmp_path / "small.toml").write_text(text, encoding="utf-8")
        yield compile_small(rigspec, tmp_path, "1.16.0")


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        start_server(server)
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.nightly
@pytest.mark.e2e(minutes=4)
def test_dockerfile_buildkit_and_buildah_build_same_rig(
    small: Path, buildah: Buildah, rigspec: Rigspec, tmp_path: Path
) -> None:
    base = make_root("bookworm", KEPT)
    with docker_engine(tmp_path / "engine") as docker:
        docker.image("localhost/debian:12", base)
        build = ("build", "--network=host", "--build-arg", "BASE=localhost/debian:12")
        docker(*build, "--tag", "small", small)
        run = ("run", "--rm", "--network=host", "small")
        expected = ["/opt/rig/include", WORD, "1000", "/home/rig"]
        assert docker(*run, "bash", "-c", SEEN).splitlines() == expected
        # A log-in shell begins with a PATH of its own and reads profile.d.
        assert docker(*run, "bash", "--login", "-c", SEEN).splitlines() == expected
        python = "/opt/rig/envs/tools/bin/python"
        assert docker(*run, python, "-c", "import six; print(six.__version__)") == "1.16.0"
        stat = ("stat", "-c", "%a %U:%G", "/srv/rig/notice", "/etc/profile.d/rig-small.sh")
        assert docker(*run, *stat).splitlines() == ["644 root:root"] * 2
        # Nothing of the build stays behind.
        left = "find /opt/rig/lock /var/lib/rig /var/cache/{rig,pip} /tmp ~root/.cache -type f"
        assert (
            docker(
                "run",
                "--rm",
                "--network=host",
                "--user=0",
                "small",
                "bash",
                "-c",
                f"{left} 2>/dev/null || true",
            )
            == ""
        )
        labels = json.loads(docker("image", "inspect", "--format", "{{json .Config}}", "small"))
        assert labels["User"] == "1000:1000"
        assert labels["Labels"]["org.opencontainers.image.title"] == "small"

        # Nothing has changed: all is taken from the cache.
        progress = (*build, "--progress=plain", "--tag", "small")
        assert rebuilt(docker(*progress, small)) == []
        # A changed requirement rebuilds only what follows it.
        changed = compile_small(rigspec, tmp_path, "1.15.0")
        built = rebuilt(docker(*progress, changed))
        assert "create-env" in built[0]
        assert "rig-image verify" in built[-1]
        assert docker(*run, python, "-c", "import six; print(six.__version__)") == "1.15.0"

        docker("save", "localhost/debian:12", "--output", tmp_path / "base.tar")
    buildah("pull", f"docker-archive:{tmp_path / 'base.tar'}")
    options = ("--format", "docker", "--layers=false", "--network=host")
    buildah("build", *options, *build[2:], "--tag", "localhost/small", ".", cwd=small)
    container = buildah("from", "--pull-never", "localhost/small")
    assert buildah("run", container, "--", "bash", "-lc", SEEN).splitlines()[:3] == expected[:3]
