"""What a user of the shell installer meets: a rig with every kind of step, in a Debian 12."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.execution.layers import Layer

pytestmark = pytest.mark.long(seconds=10)

FOLDER, FILE = "/root/rig/install.sh", "/root/rig-installer.sh"
# What stays after an uninstall: accounts, and GRUB's menu, which was not there before.
STAYS = re.compile(
    r"etc/(group|gshadow|passwd|shadow|subgid|subuid)$|home/ada|boot/grub/grub\.cfg$"
)


@pytest.fixture
def system(artifact: Path, system: Layer) -> Layer:
    shutil.copy(artifact / "rig" / "rig-installer.sh", system.path / "up/root")
    return system


def test_rig_installer_installs_and_uninstalls_completely(system: Layer) -> None:
    before = system.outcome()
    settings = "/etc/skel/.rig/settings.json"
    system.run("sh", "-c", f"mkdir -p /etc/skel/.rig; echo mine > {settings}")
    (system.path / "up/root/rig/install.sh").unlink()

    code, output = system.run(FILE)
    assert code == 0, output
    assert "[22/22] done     Step verify" in output
    assert f"{settings} already existed: saved as {settings}.before-rig" in output
    assert output.splitlines()[-1].startswith("reboot this machine: ")
    assert system.run("stat", "-c", "%a", "/var/log/rig.log") == (0, "640\n")
    log = system.run("cat", "/var/log/rig.log")[1].splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d ", line) for line in log)

    installed = system.outcome()
    code, output = system.run(FILE)
    assert code == 0, output
    assert [line for line in output.splitlines() if " doing " in line] == [
        "[22/22] doing    Step verify"
    ]
    assert system.outcome() == installed

    # A file that somebody changed stays, and so does a package that somebody needs.
    system.run("sh", "-c", "echo 'export MORE=1' >> /etc/profile.d/rig-every.sh")
    would = system.run(FILE, "--uninstall", "--dry-run")
    assert would[0] == 0, would[1]
    assert "would remove packages rig-direct rig-needed" in would[1]
    changed = system.outcome()
    assert changed.keys() == installed.keys()

    code, output = system.run(FILE, "--uninstall")
    assert code == 0, output
    assert "kept /etc/profile.d/rig-every.sh: modified since it was installed" in output
    assert "kept account ada and its home" in output
    assert system.run("cat", settings) == (0, "mine\n")
    left = system.outcome()
    differs = {path for path in {*left, *before} if left.get(path) != before.get(path)}
    assert {path for path in differs if not STAYS.match(path)} == {
        "etc/profile.d/rig-every.sh",
        "etc/skel/.rig",
        settings.lstrip("/"),
    }


def test_installer_reboot_is_reported_until_it_happened(system: Layer) -> None:
    assert system.run(FOLDER)[0] == 0
    due = system.path / "up/var/lib/rig/reboot-due"
    boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
    assert due.read_text("ascii") == boot
    assert "reboot this machine" in system.run(FOLDER)[1]

    due.write_text("another-boot\n", "ascii")
    code, output = system.run(FOLDER)
    assert "the required reboot has happened" in output
    # What only the new kernel shows is looked at now.
    assert code == 1
    assert "the new kernel: locked yes, found nothing" in output
    assert not due.exists()
    system.run("sh", "-c", "echo yes > /etc/booted")
    code, output = system.run(FOLDER)
    assert (code, "reboot" in output.splitlines()[-1]) == (0, False)


def test_installer_usage_errors_change_nothing(system: Layer) -> None:
    before = system.outcome()
    for arguments, code, says in (
        (("--step", "nothing"), 2, 'no step "nothing"; see --list'),
        (("--step",), 2, "--step requires a step ID"),
        (("--frob",), 2, "unknown option: --frob"),
        (("--help",), 0, "/var/log/rig.log"),
        (("--list",), 0, "kernel-arguments\nreboot\nverify\n"),
        (("--dry-run",), 0, "would do Step env-lab"),
        (("--uninstall", "--dry-run"), 0, "would undo Step env-lab"),
    ):
        found, output = system.run(FOLDER, *arguments)
        assert (found, says in output) == (code, True), output
    code, output = system.run("sh", "-c", f"setpriv --reuid=65534 bash -s < {FOLDER}")
    assert (code, "must be run as root" in output) == (1, True), output
    code, output = system.run("setarch", "i686", FOLDER)
    assert (code, "for x86_64, but this machine is i686" in output) == (1, True), output
    assert system.outcome() == before


def test_installer_concurrent_run_is_refused_and_stopped_run_resumes(system: Layer) -> None:
    script = f"""
    {FOLDER} > /tmp/first 2>&1 & first=$!
    until grep -q 'doing    Step system-packages' /tmp/first; do sleep 0.05; done
    {FOLDER}; echo "second $?"
    kill -TERM $first; wait $first; echo "first $?"
    """
    output = system.run("bash", "-c", script)[1]
    assert "another installation is running; nothing was changed\nsecond 1\n" in output
    assert "first 143" in output
    stopped = (system.path / "root/tmp/first").read_text("utf-8")
    assert stopped.splitlines()[-1].endswith("stopped by SIGTERM: run install.sh again to resume")
    code, output = system.run(FOLDER)
    assert code == 0, output
