"""The services of a host, from the compiled installer alone: each one does its work, and goes."""

from __future__ import annotations

import base64
import http.server
import json
import shutil
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from unearth import PackageFinder

from tests.execution.roots import (
    CERTIFICATES,
    PIP_CONFIGURATION,
    SystemRoot,
    archives,
    default_mirror,
)
from tests.execution.test_ssh import a_port, answered, key_pair, running

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
# What shells, ddclient and its configuration each read in a way of their own.
PASSWORD = "p 'w#\"x\\$(touch /x)"
SPEC = """
rig = 1
name = "box"

[machine.box]
os = "debian 12"

[env.lab]
python = "3.11"
interpreter = "system"
packages = {{ six = "*" }}

[service.ssh]
port = {ssh}
fail2ban = {{ bantime = "1h", maxretry = 3 }}

[service.tmux.work]
env = "lab"
folder = "~"

[[service.tmux.work.windows]]
name = "dev window"
layout = "main-vertical"
main_pane = 40
panes = ["", "python -q", "sleep 300"]

[[service.tmux.work.windows]]
name = "other"

[service.dyndns]
hostname = "rig.example.org"
protocol = "dyndns2"
server = "127.0.0.1:{provider}"
page = "https://127.0.0.1:{provider}/ip"
credentials = {{ secret = "DYNDNS" }}

[service.monitoring]
exporters = ["node", "gpu"]
port = {exporter}
prometheus = {{ port = {prometheus} }}

[user.ada]
ssh_keys = ["{key}"]

[mirrors]
apt = "{mirror}"
"""
# The oldest release: no package of tmuxp, a ddclient without a unit, a fail2ban that takes seconds.
XENIAL = """
rig = 1
name = "box"

[machine.box]
os = "ubuntu 16.04"

[env.lab]
python = "3.5"
interpreter = "system"
packages = {{ six = "*" }}

[service.ssh]
port = 2222
fail2ban = {{ bantime = "1h", maxretry = 3 }}

[service.tmux.work]
env = "lab"
folder = "~"

[[service.tmux.work.windows]]
name = "dev window"
layout = "main-vertical"
main_pane = 40
panes = ["", "python -q", "sleep 300"]

[[service.tmux.work.windows]]
name = "other"

[service.dyndns]
hostname = "rig.example.org"
protocol = "noip"
server = "127.0.0.1:{provider}"
page = "https://127.0.0.1:{provider}/ip"
credentials = {{ secret = "DYNDNS" }}

[user.ada]

[mirrors]
apt = "{mirror}"
"""
PORTS = ("ssh", "provider", "exporter", "prometheus")
UNITS = ("fail2ban", "ddclient", "prometheus", "prometheus-node-exporter", "rig-gpu-metrics")
# What the packages, the account and the logs leave by themselves.
LEFT = ("etc", "home", "var/lib/systemd", "var/mail", "var/log", "var/cache", "var/lib/apt")


@pytest.fixture
def ports() -> dict[str, int]:
    return {name: a_port() for name in PORTS}


@pytest.fixture
def rig(rigspec: Rigspec, ports: dict[str, int], tmp_path: Path) -> Path:
    """The folder of a spec, its lock and its installer."""
    _, public = key_pair(tmp_path)
    mirror = archives()
    spec = tmp_path / "rig.toml"
    spec.write_text(SPEC.format(**ports, key=public, mirror=mirror), encoding="utf-8")
    locked = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert locked.returncode == 0, locked.stderr
    options = ("--target", "shell", "--lock", tmp_path / "lock", "-o", tmp_path / "out", "--locked")
    assert rigspec("compile", spec, *options).returncode == 0
    return tmp_path


@pytest.mark.nightly
@pytest.mark.e2e(minutes=6)
def test_each_service_does_its_work_and_leaves_nothing(
    rigspec: Rigspec, rig: Path, debian_12: SystemRoot, ports: dict[str, int]
) -> None:
    before = set(debian_12.listing(*LEFT))
    shutil.copytree(rig / "out" / "shell", debian_12.path / "root" / "rig")
    _secret_is_asked_for(debian_12)
    second = debian_12.run("/root/rig/install.sh").stdout
    assert [line for line in second.splitlines() if "doing" in line and "locked" not in line] == []

    _jail_is_read(debian_12, ports["ssh"])
    _provider_is_told(debian_12, ports["provider"], rig)
    _session_has_its_panes(debian_12)
    _figures_are_told_through_the_secure_shell(rigspec, rig, debian_12, ports)
    _units_are_sound(debian_12, rig)
    _password_is_nowhere_else(debian_12, rig)

    debian_12.run("/root/rig/install.sh", "--uninstall")
    shutil.rmtree(debian_12.path / "root" / "rig")
    rest = {path for path in debian_12.listing(*LEFT) if path not in before}
    assert [path for path in rest if "rig" in path or "ddclient" in path] == []
    left = subprocess.run(
        ["grep", "-rlE", "rigspec|rig\\.example", debian_12.path / "etc"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert left == ""
    places = ("ddclient.conf", "ddclient.conf.before-rig", "default/ddclient", "fail2ban")
    assert [place for place in places if (debian_12.path / "etc" / place).exists()] == []
    # What was given stays with who gave it.
    given = [path.name for path in (debian_12.path / "etc/rig").rglob("*") if path.is_file()]
    assert given == ["DYNDNS"]


@pytest.mark.nightly
@pytest.mark.e2e(minutes=5)
def test_on_the_oldest_release_sessions_load_and_the_provider_is_told(
    rigspec: Rigspec, ubuntu_16: SystemRoot, tmp_path: Path
) -> None:
    port, spec = a_port(), tmp_path / "rig.toml"
    text = XENIAL.format(provider=port, mirror=default_mirror("xenial"))
    spec.write_text(text, encoding="utf-8")
    locked = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert locked.returncode == 0, locked.stderr
    options = ("--target", "shell", "--lock", tmp_path / "lock", "-o", tmp_path / "out", "--locked")
    assert rigspec("compile", spec, *options).returncode == 0
    shutil.copytree(tmp_path / "out" / "shell", ubuntu_16.path / "root" / "rig")

    # An old pip does not read the whole of a pip.conf of today.
    index = PackageFinder().sources[0]["url"]
    steered = (f"PIP_CONFIG_FILE={PIP_CONFIGURATION}", f"PIP_CERT={CERTIFICATES}")
    _secret_is_asked_for(ubuntu_16, *steered, f"PIP_INDEX_URL={index}")

    _session_has_its_panes(ubuntu_16)
    _provider_is_told(ubuntu_16, port, tmp_path)
    told = ubuntu_16.run("fail2ban-client", "-d").stdout
    for words in ("['add', 'sshd', 'systemd']", "['set', 'sshd', 'bantime', 3600]", "'2222'"):
        assert words in told
    assert ubuntu_16.run("systemctl", "is-enabled", "ddclient.service").stdout == "enabled\n"


def _secret_is_asked_for(root: SystemRoot, *steered: str) -> None:
    """Without it all else is done; with half of it nothing is written."""
    asked = root.run("env", *steered, "/root/rig/install.sh", check=False)
    assert asked.returncode == 1
    assert "the secret DYNDNS: locked" in asked.stdout + asked.stderr
    root.run("install", "-d", "-m", "0700", "/etc/rig/secrets")
    secret = root.path / "etc/rig/secrets/DYNDNS"
    secret.touch(mode=0o600)
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    halved = root.run("/root/rig/install.sh", check=False)
    assert halved.returncode == 1
    assert "DYNDNS is to be written as account:password" in halved.stdout + halved.stderr
    assert PASSWORD not in halved.stdout + halved.stderr
    secret.write_text(f"ada:{PASSWORD}\n", encoding="utf-8")
    given = root.run("/root/rig/install.sh").stdout
    # What reads it starts anew.
    assert "doing    The name rig.example.org follows the address" in given
    status = (root.path / "etc/ddclient.conf").stat()
    assert (oct(status.st_mode)[-4:], status.st_uid, status.st_gid) == ("0400", 0, 0)


def _jail_is_read(root: SystemRoot, port: int) -> None:
    assert "test is successful" in root.run("fail2ban-client", "-t").stdout
    told = root.run("fail2ban-client", "-d").stdout
    for line in (
        "['add', 'sshd', 'systemd']",
        "['set', 'sshd', 'maxretry', 3]",
        "['set', 'sshd', 'bantime', '3600']",
        "['set', 'sshd', 'addaction', 'nftables']",
        f"['port', '{port}']",
    ):
        assert line in told
    root.run("nft", "--version")


@dataclass
class Provider:
    """Who speaks dyndns2 over TLS, and says where it is asked from."""

    port: int
    folder: Path
    asked: list[tuple[str, str]] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[None]:
        asked = self.asked

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append((self.path, self.headers.get("Authorization", "")))
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
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _provider_is_told(root: SystemRoot, port: int, folder: Path) -> None:
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
        assert provider.asked == []
        # Of a failure ddclient remembers to wait a while.
        root.run("rm", "-f", "/var/cache/ddclient/ddclient.cache")
        trusted = root.path / "usr/local/share/ca-certificates/provider.crt"
        shutil.copyfile(folder / "provider.crt", trusted)
        root.run("update-ca-certificates")
        done = root.run(*once, check=False)
        said = done.stdout + done.stderr
        trusted.unlink()
        root.run("update-ca-certificates", "--fresh")
    assert "good: IP address set to 203.0.113.7" in said, said
    (found,) = [each for each in provider.asked if each[0] != "/ip"]
    assert found[0].startswith("/nic/update?")
    assert "hostname=rig.example.org&myip=203.0.113.7" in found[0]
    scheme, _, credentials = found[1].partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(credentials + "==").decode() == f"ada:{PASSWORD}"


SESSION = """
cd /home/ada
export HOME=/home/ada USER=ada SHELL=/bin/bash TERM=xterm
rig-tmux -d work >/dev/null
for waited in 1 2 3 4 5 6 7 8 9 10; do
  panes=$(tmux list-panes -s -t work -F '#{window_name}|#{pane_current_command}|'\
'#{pane_width}|#{pane_current_path}')
  case $panes in *python*sleep*) break ;; esac
  sleep 1
done
echo "$panes"
tmux send-keys -t '=work:dev window.1' 'import sys, six; print(sys.prefix, six.__name__)' Enter
sleep 2
tmux capture-pane -p -t '=work:dev window.1'
tmux kill-server
"""


def _session_has_its_panes(root: SystemRoot) -> None:
    (root.path / "tmp" / "session.sh").write_text(SESSION, encoding="utf-8")
    done = subprocess.run(
        [
            *("unshare", "--mount", "--pid", "--fork", f"--mount-proc={root.path}/proc"),
            *(
                "sh",
                "-c",
                'mount --rbind /dev "$0/dev" && exec chroot --userspec=ada:ada "$0" "$@"',
                root.path,
            ),
            *("env", "-i", "PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"),
            *("sh", "-e", "/tmp/session.sh"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (root.path / "tmp" / "session.sh").unlink()
    lines = done.stdout.splitlines()
    assert lines[0] == "dev window|bash|40|/home/ada"
    assert [line.split("|")[:2] for line in lines[1:4]] == [
        ["dev window", "python"],
        ["dev window", "sleep"],
        ["other", "bash"],
    ]
    assert "/opt/rig/envs/lab six" in done.stdout


def _figures_are_told_through_the_secure_shell(
    rigspec: Rigspec, rig: Path, root: SystemRoot, ports: dict[str, int]
) -> None:
    """What `connect` prints, typed: the exporter and Prometheus answer on the loopback alone."""
    told = rigspec("connect", rig / "rig.toml", "--host", "127.0.0.1", "--format", "json")
    rows = {row["service"]: row for row in json.loads(told.stdout)["connections"]}
    root.run("install", "-d", "-m", "0755", "/run/sshd")
    figures = root.path / "var/lib/prometheus/node-exporter/rig-gpu.prom"
    root.run("sh", "/opt/rig/lock/gpu_metrics.sh", "/var/lib/prometheus/node-exporter/rig-gpu.prom")
    with (
        running(root, "/usr/sbin/sshd", "-D", "-e"),
        started(root, "prometheus-node-exporter"),
        started(root, "prometheus"),
    ):
        logged_in = answered(ports["ssh"], "-i", str(rig / "key"), "ada@127.0.0.1")
        assert logged_in.stdout == "ada\n", logged_in.stderr
        _figures_are_told(rows, rig, ports)
    figures.unlink()
    root.run("promtool", "check", "config", "/etc/rig/prometheus.yml")


def _figures_are_told(rows: dict[str, Any], rig: Path, ports: dict[str, int]) -> None:
    with (
        forwarded(rows["exporter"], ports["exporter"], rig / "key") as exporter,
        forwarded(rows["prometheus"], ports["prometheus"], rig / "key") as prometheus,
    ):
        said = answer(exporter)
        assert "node_textfile_scrape_error 0" in said
        assert "rig_gpu_up 0" in said  # there is no nvidia-smi
        assert answer(f"{prometheus}-/ready").startswith("Prometheus")
        assert _asked_by(prometheus) == {
            f"http://127.0.0.1:{ports[name]}/metrics" for name in ("exporter", "prometheus")
        }
        listening = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True, check=True)
        for name in ("exporter", "prometheus"):
            local = [line.split()[3] for line in listening.stdout.splitlines()]
            assert [each for each in local if each.endswith(f":{ports[name]}")] == [
                f"127.0.0.1:{ports[name]}"
            ]


def _asked_by(prometheus: str) -> set[str]:
    """Whom it asks: it takes some seconds until it says so."""
    for _ in range(60):
        targets = json.loads(answer(f"{prometheus}api/v1/targets"))["data"]["activeTargets"]
        if targets:
            break
        time.sleep(0.5)
    return {target["scrapeUrl"] for target in targets}


@contextmanager
def started(root: SystemRoot, unit: str) -> Iterator[None]:
    """The command of a package's unit with what the rig's drop-in gives it.

    No process stands between: who changes the account is no longer ended with its parent.
    """
    text = (root.path / f"lib/systemd/system/{unit}.service").read_text("utf-8")
    (start,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    assert start.endswith(" $ARGS")
    drop_in = (root.path / f"etc/systemd/system/{unit}.service.d/rig.conf").read_text("utf-8")
    (arguments,) = [line for line in drop_in.splitlines() if line.startswith('Environment="ARGS=')]
    program = start.partition("=")[2].removesuffix(" $ARGS")
    account = ("setpriv", "--reuid=prometheus", "--regid=prometheus", "--init-groups")
    process = subprocess.Popen(
        [
            *("chroot", root.path, *account, "env", "-i", "--chdir=/var/lib/prometheus", program),
            *arguments.partition("ARGS=")[2].rstrip('"').split(),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def forwarded(row: dict[str, object], port: int, key: Path) -> Iterator[str]:
    """The command as it was printed, but for its port: the client is the same machine."""
    own = a_port()
    command = str(row["line"]).replace(f"-L 127.0.0.1:{port}:", f"-L 127.0.0.1:{own}:")
    options = f"-F none -i '{key}' -o BatchMode=yes -o StrictHostKeyChecking=no "
    options += "-o UserKnownHostsFile=/dev/null -o ExitOnForwardFailure=yes"
    shell = command.replace("ssh ", f"exec ssh {options} ", 1)
    process = subprocess.Popen(["sh", "-c", shell], stderr=subprocess.DEVNULL)
    try:
        yield str(row["url"]).replace(f":{port}/", f":{own}/")
    finally:
        process.terminate()
        process.wait()


def answer(url: str) -> str:
    for _ in range(100):
        try:
            with urllib.request.urlopen(url, timeout=10) as said:
                return str(said.read().decode())
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
    raise AssertionError(f"nothing answers at {url}")


def _units_are_sound(root: SystemRoot, folder: Path) -> None:
    """systemd reads them all, with the rig's drop-ins, and knows every word."""
    tree = folder / "units"
    for place in ("etc/systemd", "lib/systemd", "usr/bin", "usr/sbin", "opt/rig/lock"):
        shutil.copytree(root.path / place, tree / place, symlinks=True, dirs_exist_ok=True)
    for place in ("etc/passwd", "etc/group"):
        shutil.copyfile(root.path / place, tree / place)
    for link in ("bin", "sbin"):
        (tree / link).symlink_to(f"usr/{link}")
    for target in Path("/lib/systemd/system").glob("*.*"):
        if target.suffix in (".target", ".slice", ".socket") and not target.is_symlink():
            shutil.copyfile(target, tree / "lib/systemd/system" / target.name)
    done = subprocess.run(
        [
            *("systemd-analyze", "verify", "--man=no", "--recursive-errors=no"),
            *(f"--root={tree}", *(f"{unit}.service" for unit in UNITS)),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def _password_is_nowhere_else(root: SystemRoot, rig: Path) -> None:
    holders = [
        str(path.relative_to(root.path))
        for folder in ("etc", "opt", "root", "var", "usr/local", "home")
        for path in sorted((root.path / folder).rglob("*"))
        if path.is_file() and not path.is_symlink() and PASSWORD.encode() in path.read_bytes()
    ]
    assert holders == ["etc/ddclient.conf", "etc/rig/secrets/DYNDNS"]
    for part in ("lock", "out"):
        for path in (rig / part).rglob("*"):
            assert not path.is_file() or PASSWORD.encode() not in path.read_bytes()
