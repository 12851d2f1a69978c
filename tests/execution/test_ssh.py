"""The secure shell of a rig, asked by a real client: keys are taken, passwords are not."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.execution.roots import SystemRoot, archives

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

SPEC = """
rig = 1
name = "box"

[machine.box]
os = "debian 12"

[service.ssh]
port = {port}

[user.alice]
ssh_keys = ["{key}"]

[mirrors]
apt = "{mirror}"
"""


def a_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def key_pair(folder: Path) -> tuple[Path, str]:
    private = folder / "key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "alice", "-f", str(private)]
    subprocess.run(command, check=True)
    return private, private.with_suffix(".pub").read_text(encoding="utf-8").strip()


@contextmanager
def running(root: SystemRoot, *command: str) -> Iterator[None]:
    process = subprocess.Popen(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "chroot", root.path, *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def answered(
    port: int, *options: str, remote_command: str = "id -un"
) -> subprocess.CompletedProcess[str]:
    """What a client that trusts any host hears, with these options and to that account."""
    command = ["ssh", "-F", "none", "-p", str(port), "-o", "StrictHostKeyChecking=no"]
    command += ["-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"]
    command += ["-o", "ConnectTimeout=120", *options, remote_command]
    for _ in range(100):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if "Connection refused" not in done.stderr:
            return done
        time.sleep(0.1)
    return done


def test_sshd_accepts_key_and_rejects_password(
    rigspec: Rigspec, debian_12: SystemRoot, tmp_path: Path
) -> None:
    private, public = key_pair(tmp_path)
    port = a_port()
    mirror = archives()
    spec = tmp_path / "rig.toml"
    spec.write_text(SPEC.format(port=port, key=public, mirror=mirror), encoding="utf-8")
    assert rigspec("lock", spec, "-o", tmp_path / "lock").returncode == 0
    options = ("--target", "shell", "--lock", tmp_path / "lock", "-o", tmp_path / "out", "--locked")
    assert rigspec("compile", spec, *options).returncode == 0
    shutil.copytree(tmp_path / "out" / "shell", debian_12.path / "root" / "rig")

    debian_12.run("/root/rig/install.sh")

    assert debian_12.run("dpkg-query", "-W", "-f=${Version}", "openssh-server").stdout
    debian_12.run("install", "-d", "-m", "0755", "/run/sshd")
    with running(debian_12, "/usr/sbin/sshd", "-D", "-e"):
        taken = answered(port, "-i", str(private), "alice@127.0.0.1")
        assert taken.stdout == "alice\n", taken.stderr
        refused = answered(port, "-o", "PubkeyAuthentication=no", "alice@127.0.0.1")
        assert refused.returncode == 255
        assert "Permission denied (publickey)." in refused.stderr
        as_root = answered(port, "-i", str(private), "root@127.0.0.1")
        assert as_root.returncode == 255

    second = debian_12.run("/root/rig/install.sh").stdout
    assert [line for line in second.splitlines() if " doing " in line] == [
        "[7/7] doing    Verify the installation against the lock"
    ]

    # A file that is read before the rig's: what the server makes of both is what counts.
    other = debian_12.path / "etc/ssh/sshd_config.d/00-other.conf"
    other.write_text("PasswordAuthentication yes\nPort 22\n", encoding="utf-8")
    overruled = debian_12.run("/root/rig/install.sh", check=False)
    assert overruled.returncode == 1
    (difference,) = [line for line in overruled.stderr.splitlines() if "sshd settings:" in line]
    locked, _, found = difference.partition("found")
    assert "passwordauthentication no" in locked
    assert "passwordauthentication yes" in found
    other.unlink()
    debian_12.run("/root/rig/install.sh")

    # What the server would not come up with again is told, and it is left as it runs.
    other.write_text("PasswordAuthentcation no\n", encoding="utf-8")
    debian_12.run("rm", "/var/lib/rig/service-ssh")
    broken = debian_12.run("/root/rig/install.sh", check=False)
    assert broken.returncode == 1
    assert "00-other.conf: line 1: Bad configuration option" in broken.stderr
    assert "not restarting ssh.service: its configuration is invalid" in broken.stderr
