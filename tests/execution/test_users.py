"""Users who share a machine, and the settings of their environments: from the installer alone."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.execution.roots import SystemRoot, archives

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]
SPEC = """
rig = 1
name = "lab"

[machine.box]
os = "debian 12"

[system]
groups = ["research"]

[env.one]
python = "3.11"
interpreter = "system"
threads = 8
packages = {{ matplotlib = "*" }}

[env.one.config.matplotlib]
backend = "Agg"
"figure.figsize" = [4, 3]

[env.one.config.pip]
timeout = 61
install = {{ no-compile = true }}

[env.two]
python = "3.11"
interpreter = "system"

[user.ada]
gpus = [0]
groups = ["video", "research"]
envs = ["one", "two"]
quota = "200 GB"

[user.bob]
gpus = [1, 2]
envs = ["two"]

[user.eve]

[mirrors]
apt = "{mirror}"
"""
MATPLOTLIB = """
import matplotlib
size = matplotlib.rcParams["figure.figsize"]
print(matplotlib.matplotlib_fname(), matplotlib.get_backend(), size)
"""


@pytest.fixture
def installed(rigspec: Rigspec, debian_12: SystemRoot, tmp_path: Path) -> SystemRoot:
    mirror = archives()
    spec = tmp_path / "rig.toml"
    spec.write_text(SPEC.format(mirror=mirror), encoding="utf-8")
    assert rigspec("lock", spec, "-o", tmp_path / "lock").returncode == 0
    options = ("--target", "shell", "--lock", tmp_path / "lock", "-o", tmp_path / "out", "--locked")
    assert rigspec("compile", spec, *options).returncode == 0
    shutil.copytree(tmp_path / "out" / "shell", debian_12.path / "root" / "rig")
    # Somebody who was there before, and whose number is nobody else's.
    debian_12.run("useradd", "--create-home", "--shell", "/bin/bash", "carol")
    result = debian_12.run("/root/rig/install.sh")
    assert "the quota of ada (200 GB) is not enforced" in result.stdout + result.stderr
    return debian_12


@pytest.mark.nightly
@pytest.mark.e2e(minutes=4)
def test_users_have_only_their_gpus_groups_and_environments(
    installed: SystemRoot,
) -> None:
    def shell(user: str, command: str) -> str:
        return installed.run("su", "-", user, "-c", command).stdout.strip()

    script = 'echo "${CUDA_VISIBLE_DEVICES-unset} ${CUDA_DEVICE_ORDER-unset}"'
    assert shell("ada", script) == "0 PCI_BUS_ID"
    assert shell("bob", script) == "1,2 PCI_BUS_ID"
    assert shell("eve", script) == shell("carol", script) == "unset unset"
    assert installed.run("bash", "-lc", script).stdout.strip() == "unset unset"

    assert set(shell("ada", "id -Gn").split()) == {"ada", "video", "research", "rig-env-one"}
    assert set(shell("bob", "id -Gn").split()) == {"bob"}
    runs = "/opt/rig/envs/{}/bin/python -c 'print(1)' 2>/dev/null || echo no"
    seen = {
        (user, env): shell(user, runs.format(env))
        for user in ("ada", "bob", "eve", "carol")
        for env in ("one", "two")
    }
    assert [key for key, output in seen.items() if output == "no"] == [
        ("bob", "one"),
        ("carol", "one"),
    ]

    # The programs themselves, in an environment that is activated.
    active = ". /opt/rig/envs/one/bin/activate && "
    found = shell("ada", f"{active} python -c '{MATPLOTLIB}'")
    assert found.lower() == "/opt/rig/envs/one/etc/matplotlibrc agg [4.0, 3.0]"
    pip = shell("ada", f"{active} pip config list").splitlines()
    assert "global.timeout='61'" in pip
    assert "install.no-compile='true'" in pip
    threads = "echo $OMP_NUM_THREADS $MKL_NUM_THREADS $OPENBLAS_NUM_THREADS ${MATPLOTLIBRC-unset}"
    assert shell("ada", active + threads) == "8 8 8 /opt/rig/envs/one/etc"
    ended = f"export OMP_NUM_THREADS=3; {active} . /opt/rig/envs/one/bin/activate; deactivate; "
    assert shell("ada", ended + threads) == "3 unset"
    assert shell("ada", threads) == "unset"

    before = installed.listing("/var/log", "/var/lib/rig", "/tmp")
    again = installed.run("/root/rig/install.sh")
    assert "the quota of ada" in again.stdout + again.stderr
    assert installed.listing("/var/log", "/var/lib/rig", "/tmp") == before

    # A restriction that is changed by hand is seen, and mended.
    installed.run("gpasswd", "--add", "bob", "rig-env-one")
    installed.run("chmod", "0755", "/opt/rig/envs/one")
    installed.run("/root/rig/install.sh")
    assert shell("bob", runs.format("one")) == "no"

    installed.run("/root/rig/install.sh", "--uninstall")
    left = installed.run("sh", "-c", "getent group rig-env-one research || ls /etc/profile.d")
    assert "rig-" not in left.stdout
    assert shell("ada", script) == "unset unset"
    assert not (installed.path / "opt" / "rig").exists()
