"""Notebook servers in containers: what compose.yaml starts, by a real engine and by buildah."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
import yaml

from tests.containers import Buildah, Docker, docker_engine
from tests.execution.conftest import KEPT
from tests.execution.notebook_client import NotebookClient
from tests.execution.roots import HOST_CERTIFICATES, archives, make_root
from tests.execution.test_notebook import HASHED, PASSWORD
from tests.execution.test_ssh import a_port

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
SECRET = "NOTEBOOK_PASSWORD"
BOX = """
rig = 1
name = "box"

[machine.box]
os = "debian 12"

[env.lab]
python = "3.11"
interpreter = "system"
packages = {{ six = "*" }}
"""
SPEC = (
    BOX
    + """
[service.jupyter]
env = "lab"
port = {first}
tls = {{ key = "ecdsa:p256", days = 30 }}
password = {{ secret = "NOTEBOOK_PASSWORD" }}

[user.alice]

[mirrors]
apt = "{mirror}"
"""
)
BOB = """
[user.bob]
jupyter_port = {second}
"""
PROGRAMS = (
    BOX
    + """
[service.program.page]
env = "lab"
command = ["python", "-c", "{code}"]
port = {port}
variables = {{ A = "it's \\"x  y\\" $HOME" }}
secrets = {{ HF_TOKEN = {{ secret = "NOTEBOOK_PASSWORD" }} }}

[service.program.worker]
env = "lab"
command = ["python", "-c", "import time; print('working', flush=True); time.sleep(10**6)"]

[mirrors]
apt = "{mirror}"
"""
)
SHOW_AND_SERVE = (
    "import getpass, http.server as h, os; "
    "values = [getpass.getuser(), os.environ['HF_TOKEN'], os.environ['A'], os.getcwd()]; "
    "open('index.html', 'w').write('|'.join(values)); "
    "h.test(h.SimpleHTTPRequestHandler, port={port}, bind='0.0.0.0')"
)
PYTHON = "/opt/rig/envs/lab/bin/python"


def compiled(rigspec: Rigspec, folder: Path, text: str) -> Path:
    mirror = archives()
    folder.mkdir(exist_ok=True)
    spec = folder / "rig.toml"
    spec.write_text(text.replace("{mirror}", mirror), encoding="utf-8")
    done = rigspec("lock", spec, "-o", folder / "lock")
    assert done.returncode == 0, done.stderr
    options = ("--target", "docker", "--lock", folder / "lock", "-o", folder / "out", "--locked")
    done = rigspec("compile", spec, *options)
    assert done.returncode == 0, done.stderr
    return folder / "out" / "docker"


@pytest.fixture
def ports() -> tuple[int, int]:
    return a_port(), a_port()


@pytest.fixture
def files(rigspec: Rigspec, ports: tuple[int, int], tmp_path: Path) -> Path:
    """The Dockerfile and compose.yaml of a rig of two users."""
    text = SPEC.format(first=ports[0], mirror="{mirror}") + BOB.format(second=ports[1])
    return compiled(rigspec, tmp_path / "two", text)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    (tmp_path / "secrets").mkdir()
    return tmp_path / "secrets" / SECRET


def given(secret: Path, text: str) -> None:
    """As the head of compose.yaml says."""
    secret.write_text(text, encoding="utf-8")
    os.chown(secret, 0, 1000)
    secret.chmod(0o440)


class Compose:
    """docker-compose on the rig's own file, but for the networks, which this machine has none of:
    the containers are on the host's.
    """

    def __init__(self, files: Path, docker: Docker, secrets: Path) -> None:
        content = yaml.safe_load((files / "compose.yaml").read_text(encoding="utf-8"))
        for service in content["services"].values():
            del service["build"]
            service.pop("ports", None)
            service["network_mode"] = "host"
            if "healthcheck" in service:
                service["healthcheck"]["interval"] = "1s"
        self._file = files / "test.yaml"
        self._file.write_text(yaml.safe_dump(content), encoding="utf-8")
        self._environment = {**docker.environment, "RIG_SECRETS": str(secrets)}
        # A container is a copy of its image here: that takes long on a busy machine.
        self._environment["COMPOSE_HTTP_TIMEOUT"] = "600"

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ["docker-compose", "--file", self._file, "--project-name", "box", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=self._environment,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout


def healthy(docker: Docker, container: str, state: str, seconds: float = 240) -> None:
    """Until the engine has come to that."""
    end = time.monotonic() + seconds
    while True:
        container_state = json.loads(docker("inspect", "--format", "{{json .State}}", container))
        if container_state["Health"]["Status"] == state:
            return
        assert time.monotonic() < end, (container_state, docker("logs", container))
        time.sleep(0.5)


def process_of(docker: Docker, container: str) -> int:
    """The server itself, as the host numbers it."""
    lines = docker("top", container, "-eo", "pid,args").splitlines()
    (line,) = [line for line in lines if f" {PYTHON} -m notebook" in line and "init" not in line]
    return int(line.split()[0])


def held_in(image: Path, text: bytes) -> list[str]:
    """The places of an image that hold the text: its settings and history, and in every layer the
    names, the links and the contents of all files.
    """
    found = []
    with tarfile.open(image) as saved:
        for member in saved:
            file = saved.extractfile(member)
            content = file.read() if file is not None else b""
            if content[:2] == b"\x1f\x8b":
                content = gzip.decompress(content)
            if text in content:
                found.append(member.name)
            if content[257:262] == b"ustar":
                with tarfile.open(fileobj=io.BytesIO(content)) as layer:
                    for inner in layer:
                        part = layer.extractfile(inner) if inner.isfile() else None
                        if part is not None and text in part.read():
                            found.append(f"{member.name}:{inner.name}")
    return found


@pytest.mark.nightly
@pytest.mark.e2e(minutes=6)
def test_compose_starts_healthy_server_per_user(
    files: Path, secret: Path, ports: tuple[int, int], tmp_path: Path
) -> None:
    with docker_engine(tmp_path / "engine") as docker:
        docker.image("localhost/debian:12", make_root("bookworm", KEPT))
        image = yaml.safe_load((files / "compose.yaml").read_text("utf-8"))["services"]["bob"][
            "image"
        ]
        build = ("build", "--network=host", "--build-arg", "BASE=localhost/debian:12")
        docker(*build, "--tag", image, str(files))
        hashed = docker("run", "--rm", "--network=host", image, PYTHON, "-c", HASHED, PASSWORD)
        hashed = hashed.splitlines()[-1]
        given(secret, hashed + "\n")
        compose = Compose(files, docker, secret.parent)
        try:
            compose("up", "--detach")
            names = {user: compose("ps", "-q", user).strip() for user in ("alice", "bob")}
            for container in names.values():
                healthy(docker, container, "healthy")
            clients = {}
            for user, port in zip(names, ports, strict=True):
                shown = docker(
                    "exec",
                    names[user],
                    "cat",
                    f"/var/lib/rig/notebook-{user}-certificate/{user}.crt",
                )
                certificate = tmp_path / f"{user}.crt"
                certificate.write_text(shown + "\n", encoding="utf-8")
                clients[user] = NotebookClient(port, certificate)
            assert not clients["alice"].log_in("a guess")
            for user, client in clients.items():
                assert client.log_in(PASSWORD)
                code = "import getpass, os; print(getpass.getuser(), os.getuid(), os.getcwd())"
                name, uid, folder = client.run(code).split()
                assert (name, folder) == (user, f"/home/{user}")
                assert int(uid) >= 2000
            # Each key is its own, of this start and not of the image, and nobody else reads it.
            kept = [
                docker("exec", names[user], "sh", "-c", "sha256sum /var/lib/rig/*/*.key")
                for user in names
            ]
            assert len({line.split()[0] for line in kept}) == 2
            # A package of Python may bring a key for its own tests.
            paths = "find / -xdev -name site-packages -prune -o -type f -name '*.key' -print"
            found = docker("run", "--rm", "--network=host", "--user=0", image, "sh", "-c", paths)
            assert found == ""

            # A server that hangs is found out, and one that is gone comes back with its key.
            hung = process_of(docker, names["bob"])
            os.kill(hung, signal.SIGSTOP)
            healthy(docker, names["bob"], "unhealthy")
            os.kill(hung, signal.SIGKILL)
            healthy(docker, names["bob"], "healthy")
            again = docker("exec", names["bob"], "sh", "-c", "sha256sum /var/lib/rig/*/*.key")
            assert again == kept[1]

            docker("save", image, "--output", str(tmp_path / "image.tar"))
            assert held_in(tmp_path / "image.tar", b"/run/secrets/NOTEBOOK_PASSWORD")
            assert held_in(tmp_path / "image.tar", hashed.encode()) == []
            assert hashed not in docker("history", "--no-trunc", image)
            for container in names.values():
                assert hashed not in docker("inspect", container)
        finally:
            compose("down", "--volumes")


@pytest.mark.nightly
@pytest.mark.e2e(minutes=4)
def test_compose_starts_programs_with_their_variables_and_secrets(
    rigspec: Rigspec, secret: Path, tmp_path: Path
) -> None:
    port = a_port()
    code = SHOW_AND_SERVE.format(port=port)
    text = PROGRAMS.format(port=port, code=code, mirror="{mirror}")
    files = compiled(rigspec, tmp_path / "programs", text)
    services = yaml.safe_load((files / "compose.yaml").read_text("utf-8"))["services"]
    image = services["program.page"]["image"]
    with docker_engine(tmp_path / "engine") as docker:
        docker.image("localhost/debian:12", make_root("bookworm", KEPT))
        build = ("build", "--network=host", "--build-arg", "BASE=localhost/debian:12")
        docker(*build, "--tag", image, str(files))
        given(secret, "hf_ $it's `secret`\n")
        compose = Compose(files, docker, secret.parent)
        try:
            compose("up", "--detach")
            page, worker = (compose("ps", "-q", f"program.{n}").strip() for n in ("page", "worker"))
            healthy(docker, page, "healthy")
            with urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
                shown = answer.read().decode()
            assert shown == "program|hf_ $it's `secret`|it's \"x  y\" $HOME|/home/program"
            assert "working" in docker("logs", worker)
            assert "hf_" not in docker("inspect", page)
        finally:
            compose("down", "--volumes")


@pytest.fixture
def buildah(tmp_path: Path) -> Iterator[Buildah]:
    tool = Buildah(tmp_path / "store")
    yield tool
    tool("rm", "--all")


@pytest.mark.nightly
@pytest.mark.e2e(minutes=3)
def test_docker_image_single_server_starts(
    rigspec: Rigspec, buildah: Buildah, secret: Path, ports: tuple[int, int], tmp_path: Path
) -> None:
    """By buildah: the image's own command and health check, as its own user."""
    text = SPEC.format(first=ports[0], mirror="{mirror}")
    files = compiled(rigspec, tmp_path / "one", text)
    buildah.image("localhost/debian:12", make_root("bookworm", KEPT))
    options = ("--format", "docker", "--layers=false", "--network=host")
    base = ("--build-arg", "BASE=localhost/debian:12")
    buildah("build", *options, *base, "--tag", "localhost/one", ".", cwd=files)
    config = json.loads(buildah("inspect", "--type", "image", "localhost/one"))["Docker"]["config"]
    assert list(config["ExposedPorts"]) == [f"{ports[0]}/tcp"]
    start, (how, *asks) = config["Cmd"], config["Healthcheck"]["Test"]
    assert how == "CMD"
    uid, _, group = config["User"].partition(":")
    assert int(uid) >= 2000
    assert group == "1000"

    container = buildah("from", "--pull-never", "localhost/one")
    hashed = buildah("run", container, "--", PYTHON, "-c", HASHED, PASSWORD)

    def refusal(*more: str) -> str:
        done = buildah.started(container, more, *start)
        output, _ = done.communicate(timeout=60)
        assert done.returncode == 1, output
        return output

    mounted = ("--volume", f"{secret}:/run/secrets/{SECRET}:ro")
    place = f"/etc/rig/secrets/{SECRET}"
    assert f"the secret {SECRET} is missing: create it on the host with" in refusal()
    assert f"or docker run --volume {place}:/run/secrets/{SECRET}:ro" in refusal()
    given(secret, " \n")
    assert f"the secret {SECRET} is empty" in refusal(*mounted)
    given(secret, f"{hashed}\n")
    secret.chmod(0o400)
    assert "give its file on the host group 1000 and mode 0440" in refusal(*mounted)
    secret.chmod(0o440)
    assert f"must run as user alice, not as root: start it with --user {uid}:1000" in refusal(
        *mounted, "--user", "0"
    )

    def expect_health(words: str, status: int = 1) -> None:
        """An engine asks three times, too: a busy machine may answer late."""
        answers = []
        for _ in range(3):
            attempt = buildah.started(container, (), *asks)
            answers.append((attempt.communicate(timeout=60)[0], attempt.returncode))
            if words in answers[-1][0] and attempt.returncode == status:
                return
        raise AssertionError(answers)

    expect_health("notebook server is unhealthy")
    server = buildah.started(container, mounted, *start)
    try:
        root = Path(buildah("mount", container))
        kept = root / "var/lib/rig/notebook-alice-certificate"
        until(lambda: (kept / "alice.crt").exists(), server)
        client = NotebookClient(ports[0], kept / "alice.crt")
        client.wait()
        assert (kept / "alice.key").stat().st_mode & 0o777 == 0o400
        expect_health("", status=0)
        assert not client.log_in("a guess")
        assert client.log_in(PASSWORD)
        assert client.run("import six, os; print(os.getuid(), os.getcwd())").split() == [
            uid,
            "/home/alice",
        ]
        # A certificate that is not of its key: nobody gets a connection, and it says so.
        genuine = (kept / "alice.crt").read_bytes()
        (kept / "alice.crt").write_bytes(HOST_CERTIFICATES.read_bytes())
        expect_health("notebook server is unhealthy")
        (kept / "alice.crt").write_bytes(genuine)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.communicate()
    expect_health("refused")

    buildah("push", "localhost/one", f"docker-archive:{tmp_path / 'one.tar'}")
    assert held_in(tmp_path / "one.tar", b"notebook-alice")
    assert held_in(tmp_path / "one.tar", hashed.encode()) == []


def until(happens: Callable[[], bool], server: subprocess.Popen[str], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happens():
        assert server.poll() is None, server.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.1)
