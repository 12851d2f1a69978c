"""Notebook servers of TensorFlow 1.8's day, from the compiled installer alone: on the Python 2.7 of
Debian 11 and on the Python 3.6 of Ubuntu 18.04.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from unearth import PackageFinder

from rigspec.lock.lockfile import read_lock
from tests.execution.notebook_server import served, unit_of
from tests.execution.roots import SystemRoot, archive, default_mirror
from tests.execution.test_ssh import a_port

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
PASSWORD = "a tree, a sea"
SPEC = """
rig = 1
name = "box"

[machine.box]
os = "{os}"

[env.lab]
python = "{python}"
interpreter = "system"
frameworks = {{ tensorflow = "1.8" }}

[service.jupyter]
env = "lab"
port = {port}
tls = true
password = {{ secret = "NOTEBOOK_PASSWORD" }}

[user.alice]

[mirrors]
apt = "{mirror}"
pypi = "{index}"
"""
PYTHON = "/opt/rig/envs/lab/bin/python"
HASHED = "from notebook.auth import passwd; import sys; print(passwd(sys.argv[1]))"
CELL = """
from __future__ import print_function
import sys
import tensorflow as tf
print("%d.%d" % sys.version_info[:2], sys.prefix, tf.__version__)
print(tf.Session().run(tf.reduce_sum(tf.constant([[1., 2.], [3., 4.]]))))
"""


@dataclass(frozen=True)
class Era:
    """A system, the Python that it brings, and the notebook server that runs on that: its series,
    and how the hash of a password begins that it makes.
    """

    os: str
    suite: str
    root: str
    python: str
    notebook: str
    hashed: str


ERAS = (
    Era("debian 11", "bullseye", "debian_11", "2.7", "5.7.", "sha1:"),
    Era("ubuntu 18.04", "bionic", "ubuntu_18", "3.6", "6.4.", "argon2:"),
)


def compiled(rigspec: Rigspec, era: Era, folder: Path) -> Path:
    """The rig's installer, from a lock made now."""
    main = archive() if era.os.startswith("debian") else default_mirror(era.suite)
    mirror = main.rstrip("/").removesuffix(era.os.split()[0]) + "{distribution}"
    spec, lock, out = folder / "rig.toml", folder / "lock", folder / "out"
    # A pip of those years knows its index by a name of its own time.
    index = PackageFinder().sources[0]["url"]
    named = {"port": a_port(), "mirror": mirror, "index": index}
    text = SPEC.format(os=era.os, python=era.python, **named)
    spec.write_text(text, encoding="utf-8")
    done = rigspec("lock", spec, "-o", lock)
    assert done.returncode == 0, done.stderr
    done = rigspec("compile", spec, "--target", "shell", "--lock", lock, "-o", out, "--locked")
    assert done.returncode == 0, done.stderr
    (machine,) = read_lock(lock)[0].machines
    assert machine.notebook is not None
    assert machine.notebook.version.startswith(era.notebook)
    return out / "shell"


def installed(root: SystemRoot, artifact: Path) -> str:
    """The rig in the system; the hash of its password, as the server's own tool makes it."""
    shutil.copytree(artifact, root.path / "root" / "rig")
    refused = root.run("/root/rig/install.sh", check=False)
    assert refused.returncode == 1
    output = refused.stdout + refused.stderr
    assert "secret NOTEBOOK_PASSWORD: locked" in output, output[-6000:]
    hashed = root.run(PYTHON, "-c", HASHED, PASSWORD).stdout
    root.run("install", "-d", "-m", "0700", "/etc/rig/secrets")
    secret = root.path / "etc/rig/secrets/NOTEBOOK_PASSWORD"
    secret.write_text(hashed, encoding="utf-8")
    secret.chmod(0o600)
    root.run("/root/rig/install.sh")
    return hashed.strip()


def health(root: SystemRoot) -> subprocess.CompletedProcess[str]:
    asking = (PYTHON, "/opt/rig/lock/notebook_health.py")
    return root.run("env", "RIG_NOTEBOOK=/etc/rig/notebook/alice.json", *asking, check=False)


@pytest.mark.e2e(minutes=5)
@pytest.mark.parametrize("era", ERAS, ids=[era.python for era in ERAS])
def test_notebook_2018_server_computes_with_tensorflow_1_8(
    era: Era, rigspec: Rigspec, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    root: SystemRoot = request.getfixturevalue(era.root)
    assert installed(root, compiled(rigspec, era, tmp_path)).startswith(era.hashed)

    with served(root, "alice") as alice:
        assert not alice.log_in("a guess")
        assert alice.log_in(PASSWORD)
        output = alice.run(CELL).split()
        assert output == [era.python, "/opt/rig/envs/lab", "1.8.0", "10.0"]
        assert health(root).returncode == 0
    gone = health(root)
    assert (gone.returncode, "is unhealthy" in gone.stderr) == (1, True)

    verify = ("systemd-analyze", "verify", "--recursive-errors=no", f"--root={root.path}")
    unit = "/" + str(unit_of(root, "alice").relative_to(root.path))
    done = subprocess.run([*verify, unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

    second = root.run("/root/rig/install.sh").stdout
    doing = [line.partition("] ")[2] for line in second.splitlines() if " doing " in line]
    assert doing == ["doing    Verify the installation against the lock"]
