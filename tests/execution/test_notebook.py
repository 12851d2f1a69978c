"""A notebook server from the compiled installer alone: TLS, its password, a cell that runs."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.execution.conftest import MACHINE
from tests.execution.notebook_server import served
from tests.execution.roots import SystemRoot, archives
from tests.execution.test_ssh import a_port

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
PASSWORD = "a tree, a sea"
SPEC = """
rig = 1
name = "box"

[machine.box]
os = "debian 12"

[env.lab]
python = "3.11"
interpreter = "system"
packages = {{ six = "*" }}

[service.jupyter]
env = "lab"
port = {first}
tls = {{ key = "ecdsa:p256", days = 30 }}
password = {{ secret = "NOTEBOOK_PASSWORD" }}

[user.alice]

[user.bob]
gpus = [1]
jupyter_port = {second}

[mirrors]
apt = "{mirror}"
"""
HASHED = """
from jupyter_server.auth import passwd
import sys
print(passwd(sys.argv[1]))
"""


@pytest.fixture
def ports() -> tuple[int, int]:
    return a_port(), a_port()


@pytest.fixture
def installed(
    rigspec: Rigspec, debian_12: SystemRoot, ports: tuple[int, int], tmp_path: Path
) -> SystemRoot:
    """The rig in a system; its secret was asked for, and given."""
    mirror = archives()
    spec = tmp_path / "rig.toml"
    text = SPEC.format(first=ports[0], second=ports[1], mirror=mirror)
    spec.write_text(text, encoding="utf-8")
    assert rigspec("lock", spec, "-o", tmp_path / "lock").returncode == 0
    options = ("--target", "shell", "--lock", tmp_path / "lock", "-o", tmp_path / "out", "--locked")
    assert rigspec("compile", spec, *options).returncode == 0
    shutil.copytree(tmp_path / "out" / "shell", debian_12.path / "root" / "rig")

    refused = debian_12.run("/root/rig/install.sh", check=False)
    assert refused.returncode == 1
    output = refused.stdout + refused.stderr
    assert "the secret NOTEBOOK_PASSWORD is missing: set it in" in output
    assert "secret NOTEBOOK_PASSWORD: locked" in output
    hashed = debian_12.run("/opt/rig/envs/lab/bin/python", "-c", HASHED, PASSWORD).stdout
    debian_12.run("install", "-d", "-m", "0700", "/etc/rig/secrets")
    secret = debian_12.path / "etc/rig/secrets/NOTEBOOK_PASSWORD"
    secret.write_text(hashed, encoding="utf-8")
    secret.chmod(0o600)
    debian_12.run("/root/rig/install.sh")
    return debian_12


@pytest.mark.e2e(minutes=3)
def test_notebook_each_user_can_log_in_and_run_cell(
    installed: SystemRoot, ports: tuple[int, int], tmp_path: Path
) -> None:
    with served(installed, "alice") as alice, served(installed, "bob") as bob:
        assert not alice.log_in("a guess")
        assert alice.log_in(PASSWORD)
        assert alice.run("import six, sys; print(six.__version__, sys.prefix)").split()[1] == (
            "/opt/rig/envs/lab"
        )
        assert bob.log_in(PASSWORD)
        printed = bob.run("import os; print(os.environ['CUDA_VISIBLE_DEVICES'], os.getcwd())")
        assert printed.split() == ["1", "/home/bob"]

    # The hash is where one account reads it, and in nothing else that was written.
    hashed = (installed.path / "etc/rig/secrets/NOTEBOOK_PASSWORD").read_bytes().strip()
    holders = subprocess.run(
        ["grep", "-rlF", "-e", hashed.decode(), installed.path / "etc", installed.path / "var"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.split()
    assert sorted(str(Path(path).relative_to(installed.path)) for path in holders) == [
        "etc/rig/notebook/alice.password",
        "etc/rig/notebook/bob.password",
        "etc/rig/secrets/NOTEBOOK_PASSWORD",
    ]
    assert hashed.decode() not in "".join(
        path.read_text(encoding="utf-8", errors="replace")
        for path in tmp_path.rglob("*")
        if path.is_file() and path.relative_to(tmp_path).parts[0] not in MACHINE
    )
    assert list_repeated_steps(installed) == []

    # What was given once can be given anew, and the server that reads it starts again.
    other = installed.run("/opt/rig/envs/lab/bin/python", "-c", HASHED, "a rock").stdout
    (installed.path / "etc/rig/secrets/NOTEBOOK_PASSWORD").write_text(other, encoding="utf-8")
    assert list_repeated_steps(installed) == [
        title
        for user, port in (("alice", ports[0]), ("bob", ports[1]))
        for title in (f"Notebook password of {user}", f"Notebook server of {user}, port {port}")
    ]
    with served(installed, "alice") as alice:
        assert not alice.log_in(PASSWORD)
        assert alice.log_in("a rock")


def list_repeated_steps(root: SystemRoot) -> list[str]:
    """What the installer did when it was run once more, but for its look at the lock."""
    output = root.run("/root/rig/install.sh").stdout
    done = re.findall(r"^\S+ doing +(.*)$", output, re.MULTILINE)
    return [title for title in done if "Verify" not in title]
