"""The playbook, run by ansible-core over ssh against two machines: real Debian 12 systems."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from filelock import FileLock

from tests.execution.conftest import KEPT, layered
from tests.execution.roots import SystemRoot, archive, make_root
from tests.serving import start_server

pytestmark = pytest.mark.long(seconds=10)

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

# What Ansible would fill in, were it let; each is to arrive as it stands.
NASTY = "{{ lookup('pipe', 'touch /canary') }} $(touch /canary) `touch /canary` it's \\\\ {% if %}"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHqKpmCJkcRsHDqVZDJqqSyzSpHJKEdWBz9ZDkF8q0hB alice"
SPEC = """
rig = 1
name = "many"

[machine.box]
os = "debian 12"

[system]
packages = ["tmux"]

[system.env]
RIG_TEXT = "{nasty}"
LD_LIBRARY_PATH = {{ prepend = ["/opt/libraries"] }}

[env.tools]
python = "3.11"
interpreter = "system"
packages = {{ six = "==1.16.0" }}

[download.weights]
url = "{url}"
sha256 = "{sha256}"
to = "/opt/models/weights.bin"

[user.alice]
ssh_keys = ["{key}"]
"""
WEIGHTS = b"0.25 0.75\n"
THEIRS = "ssh-ed25519 AAAADEPLOY admin@deploy"
EARLIER = f"""
mkdir -p /srv/people
useradd --no-user-group --gid users --create-home --home-dir /srv/people/alice alice
cd /srv/people/alice
runuser -u alice -- sh -c 'mkdir -m 700 .ssh; cat > .ssh/authorized_keys' <<KEYS
{THEIRS}
KEYS
"""


@dataclass(frozen=True)
class Host:
    """A machine that an sshd of its own lets the test into."""

    root: SystemRoot
    address: str
    port: int


@dataclass(frozen=True)
class Fleet:
    """Two machines, and Ansible with a key to both."""

    hosts: tuple[Host, ...]
    inventory: Path
    environment: dict[str, str]

    def play(self, playbook: Path, *options: str) -> tuple[int, str, dict[str, dict[str, int]]]:
        """The exit status, what was said, and Ansible's count for each machine."""
        done = subprocess.run(
            ["ansible-playbook", "--inventory", str(self.inventory), str(playbook), *options],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        recap = re.findall(r"^(\S+) +: (ok=.*)$", done.stdout, re.MULTILINE)
        counts = {
            host: {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)}
            for host, line in recap
        }
        return done.returncode, done.stdout + done.stderr, counts


def machine_with_sshd() -> Path:
    """A Debian 12 as an administrator of many machines has it: Python and sshd; kept."""
    base, staged = KEPT / "bookworm-sshd", KEPT / ".bookworm-sshd.partial"
    system = make_root("bookworm", KEPT)
    with FileLock(KEPT / ".bookworm-sshd.lock"):
        if not base.exists():
            shutil.rmtree(staged, ignore_errors=True)
            subprocess.run(["cp", "-a", system, staged], check=True)
            install = ("apt-get", "install", "-qq", "--yes", "--no-install-recommends")
            packages = ("openssh-server", "python3", "python3-apt")
            SystemRoot(staged).run("apt-get", "update", "-qq")
            SystemRoot(staged).run("env", "DEBIAN_FRONTEND=noninteractive", *install, *packages)
            staged.rename(base)
    return base


@contextmanager
def sshd(folder: Path, address: str, key: Path) -> Iterator[Host]:
    folder.mkdir()
    with (
        layered(machine_with_sshd(), folder) as system,
        _serving(system.path, folder, address, key) as port,
    ):
        yield Host(system, address, port)


@contextmanager
def _serving(root: Path, folder: Path, address: str, key: Path) -> Iterator[int]:
    """Start sshd in a system, and yield its port."""
    authorized = root / "root" / ".ssh" / "authorized_keys"
    authorized.parent.mkdir(mode=0o700)
    shutil.copyfile(key.with_suffix(".pub"), authorized)
    with socket.socket() as free:
        free.bind((address, 0))
        port = free.getsockname()[1]
    options = [f"ListenAddress={address}", f"Port={port}", "PasswordAuthentication=no", "UsePAM=no"]
    start = (
        'mount -t proc proc "$0/proc" && mount -t devpts devpts "$0/dev/pts"'
        ' && mkdir -p "$0/run/sshd" && exec chroot "$0" /usr/sbin/sshd -D -e "$@"'
    )
    command = [
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "sh",
        "-c",
        start,
        str(root),
    ]
    command += [word for option in options for word in ("-o", option)]
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(200):
            assert server.poll() is None, (folder / "log").read_text(encoding="utf-8")
            with socket.socket() as probe:
                if probe.connect_ex((address, port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        # The first process of a namespace heeds no other signal; those in it go with it.
        server.kill()
        server.wait(10)


@contextmanager
def fleet_of(tmp_path: Path, *names: str) -> Iterator[Fleet]:
    """Machines with sshd, on addresses of their own."""
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    folder = Path(sys.executable).parent
    with ExitStack() as stack:
        hosts = tuple(
            stack.enter_context(sshd(tmp_path / name, address, key))
            for name, address in zip(names, ("127.0.0.2", "127.0.0.3"), strict=False)
        )
        lines = ["rig:", "  hosts:"]
        for name, host in zip(names, hosts, strict=True):
            known = f"ansible_host: {host.address}, ansible_port: {host.port}"
            lines.append(f"    {name}: {{ {known}, ansible_user: root }}")
        inventory = tmp_path / "inventory.yml"
        inventory.write_text("\n".join(lines) + "\n", encoding="utf-8")
        options = (
            f"-i {key} -o UserKnownHostsFile={tmp_path}/known -o StrictHostKeyChecking=accept-new"
        )
        yield Fleet(
            hosts,
            inventory,
            {
                "PATH": f"{folder}:{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "LC_ALL": "C.UTF-8",
                "ANSIBLE_NOCOLOR": "1",
                "ANSIBLE_PIPELINING": "1",
                "ANSIBLE_SSH_ARGS": f"{options} -o ControlMaster=auto -o ControlPersist=2s",
                "ANSIBLE_SSH_CONTROL_PATH_DIR": f"/tmp/rig-ssh-{os.getpid()}",
            },
        )


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with fleet_of(tmp_path, "one", "two") as fleet:
        yield fleet


@pytest.fixture
def weights(tmp_path: Path) -> Iterator[str]:
    """The address of a file that a rig downloads."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(WEIGHTS)
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    start_server(server)
    yield f"http://127.0.0.1:{server.server_port}/weights.bin"
    server.shutdown()


@pytest.fixture
def playbook(weights: str, rigspec: Rigspec, tmp_path: Path) -> Path:
    spec = tmp_path / "rig.toml"
    text = SPEC.format(
        nasty=NASTY.replace('"', '\\"'),
        url=weights,
        sha256=hashlib.sha256(WEIGHTS).hexdigest(),
        key=KEY,
    )
    spec.write_text(text, encoding="utf-8")
    environment = {**os.environ, "RIGSPEC_APT_DEBIAN": archive()}
    done = rigspec("lock", spec, "-o", tmp_path / "lock", env=environment)
    assert done.returncode == 0, done.stderr
    options = ("--lock", tmp_path / "lock", "--target", "ansible", "-o", tmp_path / "out")
    done = rigspec("compile", spec, *options)
    assert done.returncode == 0, done.stderr
    return tmp_path / "out" / "ansible" / "playbook.yml"


def kept(host: Host) -> dict[str, tuple[object, ...]]:
    """What stands on a machine, less what comes and goes with every log-in."""
    return host.root.listing("root", "var/log", "var/lib/apt/lists", "var/cache/apt")


@pytest.mark.e2e(minutes=3)
def test_playbook_two_machines_and_second_run_is_idempotent(fleet: Fleet, playbook: Path) -> None:
    # On one of them somebody has made the account already, with a key and a home of their choice.
    fleet.hosts[0].root.run("sh", "-ec", EARLIER)
    # A dry run of a machine that has nothing yet tells what would be done, and changes nothing.
    before = [kept(host) for host in fleet.hosts]
    status, output, counts = fleet.play(playbook, "--check", "--diff")
    assert status == 0, output
    assert all(count["changed"] for count in counts.values())
    assert [kept(host) for host in fleet.hosts] == before

    status, output, counts = fleet.play(playbook)
    assert status == 0, output
    assert set(counts) == {"one", "two"}
    assert all(count["changed"] > 5 for count in counts.values()), output

    for options in ((), ("--check", "--diff")):
        status, output, counts = fleet.play(playbook, *options)
        assert status == 0, output
        assert [count["changed"] for count in counts.values()] == [0, 0], output

    for host in fleet.hosts:
        root = host.root
        assert not list(root.path.rglob("canary"))
        assert root.run("tmux", "-V").stdout.startswith("tmux 3.3")
        found = root.run(
            "/opt/rig/envs/tools/bin/python", "-c", "import six; print(six.__version__)"
        )
        assert found.stdout == "1.16.0\n"
        assert (root.path / "opt/models/weights.bin").read_bytes() == WEIGHTS
        theirs, home, group = (
            (f"{THEIRS}\n", "/srv/people/alice", "users")
            if host is fleet.hosts[0]
            else ("", "/home/alice", "alice")
        )
        keys = f"{home}/.ssh/authorized_keys"
        assert root.run("cat", keys).stdout == f"{theirs}{KEY}\n"
        assert root.run("stat", "-c", "%U:%G %a", keys).stdout == f"alice:{group} 600\n"
        assert [path.name for path in (root.path / "home").iterdir()] == (
            [] if theirs else ["alice"]
        )
        output = root.run("bash", "-lc", 'printf "%s|%s" "$RIG_TEXT" "$LD_LIBRARY_PATH"').stdout
        assert output == f"{NASTY.replace(chr(92) * 2, chr(92))}|/opt/libraries"

    # A package that moved is noticed, and named.
    fleet.hosts[1].root.run("/opt/rig/envs/tools/bin/python", "-m", "pip", "uninstall", "-y", "six")
    status, output, counts = fleet.play(playbook, "--tags", "verify")
    assert status != 0
    assert "six: locked 1.16.0, missing" in output
    assert counts["one"]["failed"] == 0
    assert counts["two"]["failed"] == 1


def test_playbook_wrong_platform_changes_no_machine(fleet: Fleet, playbook: Path) -> None:
    release = fleet.hosts[1].root.path / "etc" / "os-release"
    text = release.read_text(encoding="utf-8")
    release.unlink()
    release.write_text(text.replace('VERSION_ID="12"', 'VERSION_ID="13"'), encoding="utf-8")

    status, output, counts = fleet.play(playbook)

    assert status != 0
    assert "the rig is for debian 12 on x86_64, but this is another machine" in output
    assert [count["changed"] for count in counts.values()] == [0, 0]
    assert not any((host.root.path / "opt/rig").exists() for host in fleet.hosts)
