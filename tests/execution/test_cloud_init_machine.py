"""The compiled user-data boots a real Debian under QEMU, as a seed and from a metadata service."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from rigspec.plan.model import DeploymentTarget
from tests.execution.cloud_init_rigs import (
    BOOTED,
    DEPLOYMENTS,
    KEY,
    SUITES,
    Rigspec,
    committed,
    planned,
    seed_of,
    whole_rig,
)
from tests.execution.conftest import KEPT
from tests.execution.ec2_instance import serve_instance
from tests.execution.machine import Machine, booted
from tests.execution.machine_image import make_image

ARGUMENTS = ("rig.tested=yes", "mitigations=off")
# Long enough for an emulated machine on a busy host; QEMU itself is ended later.
PATIENCE = 3000


@pytest.mark.nightly
@pytest.mark.e2e(minutes=15)
def test_user_data_virtual_machine_reboots_into_rig(rigspec: Rigspec, tmp_path: Path) -> None:
    arguments = "[" + ", ".join(f'"{each}"' for each in ARGUMENTS) + "]"
    seed = seed_of(planned(rigspec, whole_rig(arguments)), tmp_path)

    with booted(make_image(KEPT), tmp_path / "machine", seed) as machine:
        first = machine.boot
        assert "rig.tested" not in machine.run("cat", "/proc/cmdline").out

        # The first boot ends with a reboot of its own, through GRUB's own menu.
        assert machine.wait_for_boot(PATIENCE) != first
        check_rig(machine)
        machine.wait_until("cloud-init", "status", "--wait", timeout=PATIENCE)
        check_after_reboot(machine)
        assert read_first_boot_status(machine) == "clean"

        # One reboot, and no more: another start changes nothing.
        machine.reboot()
        check_rig(machine)
        machine.wait_until("cloud-init", "status", "--wait", timeout=PATIENCE)
        check_after_reboot(machine)
        assert machine.console().count("Command line: ") == 3


@pytest.mark.nightly
@pytest.mark.e2e(minutes=20)
@pytest.mark.parametrize("deployment", DEPLOYMENTS)
@pytest.mark.parametrize("rig", BOOTED)
def test_committed_rig_virtual_machine_is_verified(
    rig: str, deployment: DeploymentTarget, tmp_path: Path
) -> None:
    plan = replace(committed(rig), deployment=deployment)
    image = make_image(KEPT, SUITES[plan.resolution.os])
    source = "DataSourceEc2Local" if deployment.cloud else "DataSourceNoCloud [seed="

    with first_booted(image, seed_of(plan, tmp_path), deployment, tmp_path) as machine:
        machine.wait_until("test", "-e", "/run/cloud-init/result.json", timeout=PATIENCE)

        result = json.loads(machine.run("cat", "/run/cloud-init/result.json").out)["v1"]
        log = machine.run("cat", "/var/log/cloud-init-output.log", check=False).out
        assert result["errors"] == [], log[-6000:]
        assert result["datasource"].startswith(source)
        assert machine.run("cloud-init", "status").out.strip() == "status: done"
        assert machine.run("systemctl", "--failed", "--plain", "--no-legend").out == ""
        # The first boot has verified it, and so does the installer when it is called again.
        assert "Verify the installation against the lock" in log
        machine.run("/opt/rig/install/install.sh", "--step", "verify", timeout=PATIENCE)
        command, answer = BOOTED[rig]
        assert machine.run(*command, timeout=PATIENCE).out.split()[-1] == answer


@contextmanager
def first_booted(
    image: Path, seed: Path, deployment: DeploymentTarget, folder: Path
) -> Iterator[Machine]:
    """Boot from a seed on a disk, or as an instance whose metadata service has the user-data."""
    if not deployment.cloud:
        with booted(image, folder / "machine", seed) as machine:
            yield machine
        return
    with serve_instance((seed / "user-data").read_bytes()) as instance:
        with booted(image, folder / "machine", instance=instance) as machine:
            yield machine
        assert "user-data" in instance.served
        assert instance.refused == []


def check_rig(machine: Machine) -> None:
    output: Callable[..., str] = lambda *command: machine.run(*command).out  # noqa: E731
    assert output("hostname").strip() == "first-box"
    assert output("dpkg-query", "-W", "-f=${Status}", "tree") == "install ok installed"
    assert output("cat", "/home/alice/.ssh/authorized_keys") == KEY + "\n"
    assert output("stat", "-c", "%a %U %G", "/home/alice/.ssh/authorized_keys").split() == [
        "600",
        "alice",
        "alice",
    ]
    assert output("passwd", "-S", "alice").split()[1] == "L"
    shell = ("su", "-", "alice", "-c", 'printf "%s|%s" "$RIG_WORDS" "$CPATH"')
    assert output(*shell) == "two words|/opt/include"
    python = "/opt/rig/envs/tools/bin/python"
    assert output(python, "-c", "import six; print(six.PY3)").strip() == "True"
    machine.wait_until("systemctl", "is-active", "--quiet", "heartbeat.service", timeout=PATIENCE)
    assert "beat" in output("cat", "/var/lib/heartbeat")
    assert "passwordauthentication no" in output("sshd", "-T").splitlines()


def check_after_reboot(machine: Machine) -> None:
    command_line = machine.run("cat", "/proc/cmdline").out.split()
    assert [word for word in command_line if word in ARGUMENTS] == list(ARGUMENTS)
    machine.wait_until("test", "!", "-e", "/var/lib/rig/verify-due", timeout=PATIENCE)
    machine.run("test", "!", "-e", "/var/lib/rig/reboot-due")
    shown = machine.run("systemctl", "show", "--property=Result", "rig-verify.service").out
    assert shown.strip() == "Result=success"
    assert machine.run("systemctl", "--failed", "--plain", "--no-legend").out == ""
    assert "this machine matches the lock" in machine.console()


def read_first_boot_status(machine: Machine) -> str:
    """Of the boot that installed: its log, since the result that stands there is of the second."""
    log = machine.run("cat", "/var/log/cloud-init.log").out
    wrong = [line for line in log.splitlines() if "[ERROR]" in line or "failed" in line.lower()]
    wrong = [line for line in wrong if "util.py[WARNING]" in line]
    return "\n".join(wrong) or "clean"
