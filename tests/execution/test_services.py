"""The services of a host, from the compiled installer alone: each one does its work, and goes."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from unearth import PackageFinder

from tests.execution.name_provider import check_provider_update
from tests.execution.roots import (
    CERTIFICATES,
    PIP_CONFIGURATION,
    SystemRoot,
    archives,
    default_mirror,
)
from tests.execution.service_figures import answer, check_metrics_through_ssh, running_as
from tests.execution.test_ssh import a_port, key_pair

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

[service.program.files]
env = "lab"
command = ["python", "-m", "http.server", "{files}", "--bind", "127.0.0.1"]
folder = "/usr/share/common-licenses"
port = {files}
variables = {{ GREETING = "100% \\"of\\" $HOME" }}

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
ssh_keys = ["{key}"]

[mirrors]
apt = "{mirror}"
"""
PORTS = ("ssh", "provider", "exporter", "prometheus", "files")
UNITS = (
    *("fail2ban", "ddclient", "prometheus", "prometheus-node-exporter"),
    *("rig-gpu-metrics", "rig-program-files"),
)
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
def test_services_work_and_uninstall_completely(
    rigspec: Rigspec, rig: Path, debian_12: SystemRoot, ports: dict[str, int]
) -> None:
    before = set(debian_12.listing(*LEFT))
    shutil.copytree(rig / "out" / "shell", debian_12.path / "root" / "rig")
    _check_secret_prompt(debian_12)
    second = debian_12.run("/root/rig/install.sh").stdout
    doing = [line.partition("] ")[2] for line in second.splitlines() if " doing " in line]
    assert doing == ["doing    Verify the installation against the lock"]

    _jail_is_read(debian_12, ports["ssh"])
    check_provider_update(debian_12, ports["provider"], rig, f"ada:{PASSWORD}")
    _session_has_its_panes(debian_12)
    check_metrics_through_ssh(rigspec, rig, debian_12, ports)
    _program_answers(debian_12, ports["files"])
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
def test_services_ubuntu_16_04_tmux_and_ddclient_work(
    rigspec: Rigspec, ubuntu_16: SystemRoot, tmp_path: Path
) -> None:
    port, spec = a_port(), tmp_path / "rig.toml"
    _, public = key_pair(tmp_path)
    text = XENIAL.format(provider=port, key=public, mirror=default_mirror("xenial"))
    spec.write_text(text, encoding="utf-8")
    locked = rigspec("lock", spec, "-o", tmp_path / "lock")
    assert locked.returncode == 0, locked.stderr
    options = ("--target", "shell", "--lock", tmp_path / "lock", "-o", tmp_path / "out", "--locked")
    assert rigspec("compile", spec, *options).returncode == 0
    shutil.copytree(tmp_path / "out" / "shell", ubuntu_16.path / "root" / "rig")

    # An old pip does not read the whole of a pip.conf of today.
    index = PackageFinder().sources[0]["url"]
    steered = (f"PIP_CONFIG_FILE={PIP_CONFIGURATION}", f"PIP_CERT={CERTIFICATES}")
    _check_secret_prompt(ubuntu_16, *steered, f"PIP_INDEX_URL={index}")

    _session_has_its_panes(ubuntu_16)
    check_provider_update(ubuntu_16, port, tmp_path, f"ada:{PASSWORD}")
    output = ubuntu_16.run("fail2ban-client", "-d").stdout
    for words in ("['add', 'sshd', 'systemd']", "['set', 'sshd', 'bantime', 3600]", "'2222'"):
        assert words in output
    assert ubuntu_16.run("systemctl", "is-enabled", "ddclient.service").stdout == "enabled\n"


def _check_secret_prompt(root: SystemRoot, *steered: str) -> None:
    """Without it all else is done; with half of it nothing is written."""
    refused = root.run("env", *steered, "/root/rig/install.sh", check=False)
    assert refused.returncode == 1
    assert "secret DYNDNS: locked" in refused.stdout + refused.stderr
    root.run("install", "-d", "-m", "0700", "/etc/rig/secrets")
    secret = root.path / "etc/rig/secrets/DYNDNS"
    secret.touch(mode=0o600)
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    halved = root.run("/root/rig/install.sh", check=False)
    assert halved.returncode == 1
    assert "DYNDNS must have the form account:password" in halved.stdout + halved.stderr
    assert PASSWORD not in halved.stdout + halved.stderr
    secret.write_text(f"ada:{PASSWORD}\n", encoding="utf-8")
    given = root.run("/root/rig/install.sh").stdout
    # What reads it starts anew.
    assert "doing    ddclient service (rig.example.org)" in given
    status = (root.path / "etc/ddclient.conf").stat()
    assert (oct(status.st_mode)[-4:], status.st_uid, status.st_gid) == ("0400", 0, 0)


def _jail_is_read(root: SystemRoot, port: int) -> None:
    assert "test is successful" in root.run("fail2ban-client", "-t").stdout
    output = root.run("fail2ban-client", "-d").stdout
    for line in (
        "['add', 'sshd', 'systemd']",
        "['set', 'sshd', 'maxretry', 3]",
        "['set', 'sshd', 'bantime', '3600']",
        "['set', 'sshd', 'addaction', 'nftables']",
        f"['port', '{port}']",
    ):
        assert line in output
    root.run("nft", "--version")


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


def _program_answers(root: SystemRoot, port: int) -> None:
    """The command of its unit, as its account, in its folder."""
    unit = (root.path / "etc/systemd/system/rig-program-files.service").read_text("utf-8")
    lines = unit.splitlines()
    (command,) = [line.partition("=")[2] for line in lines if line.startswith("ExecStart=")]
    (folder,) = [line.partition("=")[2] for line in lines if line.startswith("WorkingDirectory=")]
    assert 'Environment="GREETING=100%% \\"of\\" $HOME"' in lines
    with running_as(root, "program", folder, shlex.split(command)):
        assert "GNU GENERAL PUBLIC LICENSE" in answer(f"http://127.0.0.1:{port}/GPL-3")


def _units_are_sound(root: SystemRoot, folder: Path) -> None:
    """systemd reads them all, with the rig's drop-ins, and knows every word."""
    tree = folder / "units"
    for place in ("etc/systemd", "lib/systemd", "usr/bin", "usr/sbin", "opt/rig/lock"):
        shutil.copytree(root.path / place, tree / place, symlinks=True, dirs_exist_ok=True)
    program = tree / "opt/rig/envs/lab/bin/python"
    program.parent.mkdir(parents=True)
    program.touch(0o755)
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
