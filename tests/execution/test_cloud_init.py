"""What cloud-init itself does with the compiled user-data, in a Debian 12 without a machine."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rigspec.plan.model import DeploymentTarget
from tests.execution.cloud_init_rigs import (
    AWS,
    BOOTED,
    DEPLOYMENTS,
    KEY,
    SMALL,
    SUITES,
    Rigspec,
    committed,
    narrowed,
    planned,
    seed_for,
    seed_of,
    shortest,
    whole_rig,
)
from tests.execution.conftest import KEPT, layered
from tests.execution.first_boot import first_boot, prepared_root
from tests.execution.roots import SystemRoot
from tests.serving import start_server

pytestmark = pytest.mark.long(seconds=30)

VARIABLES = 'printf "%s|%s" "$RIG_WORDS" "$CPATH"'


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[SystemRoot]:
    with layered(prepared_root(KEPT), tmp_path) as root:
        yield root


def check_small_rig(root: SystemRoot) -> None:
    assert (root.path / "home/alice/.ssh/authorized_keys").read_text(encoding="utf-8") == KEY + "\n"
    assert root.run("stat", "-c", "%a %U", "/home/alice/.ssh/authorized_keys").stdout.split() == [
        "600",
        "alice",
    ]
    assert root.run("passwd", "-S", "alice").stdout.split()[1] == "L"
    output = root.run("su", "-", "alice", "-c", VARIABLES).stdout
    assert output == "two words|/opt/include"
    assert root.run("systemctl", "is-enabled", "heartbeat.service").stdout.strip() == "enabled"
    sshd_settings = root.run("sh", "-c", "cat /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*").stdout
    assert "PasswordAuthentication no" in sshd_settings.splitlines()


def test_first_boot_installs_rig(rigspec: Rigspec, fresh: SystemRoot, tmp_path: Path) -> None:
    seed = seed_of(planned(rigspec, whole_rig()), tmp_path)

    came = first_boot(fresh, seed)

    assert came.errors == (), came.log[-6000:]
    assert came.status == "status: done"
    assert came.shutdown == "", "nothing in this rig asks for a reboot"
    check_small_rig(fresh)
    assert fresh.run("dpkg-query", "-W", "-f=${Status}", "tree").stdout == "install ok installed"
    python = "/opt/rig/envs/tools/bin/python"
    assert fresh.run(python, "-c", "import six; print(six.PY3)").stdout.split() == ["True"]
    assert (fresh.path / "etc/hostname").read_text(encoding="utf-8").strip() == "first-box"
    # What was installed is what is locked, by the installer's own word.
    assert "Verify the installation against the lock" in came.log


def test_first_boot_failing_step_is_reported(
    rigspec: Rigspec, fresh: SystemRoot, tmp_path: Path
) -> None:
    plan = planned(rigspec, SMALL)
    broken = replace(plan.steps[-2], unit="[Service]\nExecStart=\n", name="no/such/folder.service")
    seed = seed_of(replace(plan, steps=(*plan.steps[:-2], broken, plan.steps[-1])), tmp_path)

    came = first_boot(fresh, seed)

    assert came.status == "status: error"
    assert any("scripts-user" in error for error in came.errors), came.errors
    assert "step service-heartbeat failed" in came.log
    assert came.shutdown == ""


@pytest.mark.e2e(minutes=4)
@pytest.mark.parametrize("deployment", DEPLOYMENTS)
@pytest.mark.parametrize("rig", BOOTED)
def test_first_boot_committed_rig_is_verified(
    rig: str, deployment: DeploymentTarget, tmp_path: Path
) -> None:
    plan = committed(rig)
    with layered(prepared_root(KEPT, SUITES[plan.resolution.os]), tmp_path) as root:
        came = first_boot(root, seed_for(plan, deployment, tmp_path))

        assert came.errors == (), came.log[-6000:]
        assert came.status == "status: done"
        command, answer = BOOTED[rig]
        assert root.run("/opt/rig/install/install.sh", "--step", "verify").returncode == 0
        assert root.run(*command).stdout.split()[-1] == answer


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_first_boot_checksum_mismatch_is_reported(
    deployment: DeploymentTarget, rigspec: Rigspec, fresh: SystemRoot, tmp_path: Path
) -> None:
    plan = planned(rigspec, whole_rig())
    (right,) = (file for file in plan.payload if file.name == "packages.system.txt")
    wrong = replace(right, content=re.sub("[0-9a-f]{64}", "0" * 64, right.content))
    assert wrong != right
    files = tuple(wrong if file == right else file for file in plan.payload)
    plan = replace(plan, payload=files)

    came = first_boot(fresh, seed_for(plan, deployment, tmp_path))

    assert came.status == "status: error"
    assert "scripts-user" in came.detail
    assert "checksum mismatch" in came.log
    assert "step system-packages failed" in came.log
    assert came.shutdown == ""
    # Nothing of this step or a later one is installed.
    assert fresh.run("dpkg-query", "-W", "tree", check=False).returncode != 0
    assert not (fresh.path / "opt/rig/envs").exists()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))
    )
    start_server(server)
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.e2e(minutes=1)
def test_first_boot_shortest_user_data_installs_rig(
    rigspec: Rigspec, fresh: SystemRoot, tmp_path: Path
) -> None:
    plan = replace(planned(rigspec, SMALL), deployment=AWS)

    seed = seed_of(plan, tmp_path, shortest(plan))

    content = (seed / "user-data").read_bytes()
    assert content.startswith(b"\x1f\x8b")
    text = gzip.decompress(content)
    assert text.startswith(b"#cloud-config\n")
    assert b"  mark_completed() {" in text
    assert first_boot(fresh, seed).errors == ()
    check_small_rig(fresh)


@pytest.mark.e2e(minutes=1)
def test_first_boot_seed_download_installs_rig(
    rigspec: Rigspec, fresh: SystemRoot, tmp_path: Path
) -> None:
    files = tmp_path / "served"
    files.mkdir()
    with served(files) as address:
        site = DeploymentTarget(cloud=True, provider="aws", seed=address)
        plan = replace(planned(rigspec, SMALL), deployment=site)
        seed = seed_of(plan, tmp_path, narrowed(4500, binary=False))
        assert len((seed / "user-data").read_bytes()) <= 4500
        (bulk,) = (seed / "seed").iterdir()
        (files / bulk.name).write_bytes(bulk.read_bytes())

        assert first_boot(fresh, seed).errors == ()

    check_small_rig(fresh)


def test_first_boot_seed_checksum_mismatch_is_not_run(
    rigspec: Rigspec, fresh: SystemRoot, tmp_path: Path
) -> None:
    files = tmp_path / "served"
    files.mkdir()
    with served(files) as address:
        site = DeploymentTarget(cloud=True, provider="aws", seed=address)
        plan = replace(planned(rigspec, SMALL), deployment=site)
        seed = seed_of(plan, tmp_path, narrowed(4500, binary=False))
        # Seconds instead of minutes until it gives up.
        text = (seed / "user-data").read_text(encoding="utf-8")
        text = text.replace("ATTEMPTS = 10", "ATTEMPTS = 2")
        (seed / "user-data").write_text(text, encoding="utf-8")
        (bulk,) = (seed / "seed").iterdir()
        (files / bulk.name).write_bytes(b"touch /canary\n" + bulk.read_bytes())

        came = first_boot(fresh, seed)

    assert came.status == "status: error"
    assert "attempt 2 of 2 failed: checksum mismatch" in came.log
    assert not (fresh.path / "canary").exists()
    assert not (fresh.path / "home/alice").exists()
