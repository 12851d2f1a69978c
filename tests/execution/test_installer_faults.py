"""The installer where another program is in its way, or where a system is not as it should be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rigspec.backend.discovery import find_backends
from rigspec.backend.render import compile_plan
from tests.execution.all_step_kinds import Supplies, every_plan
from tests.execution.installer_functions import INSTALLER, called
from tests.execution.layers import Layer
from tests.lock.signed_archive import Keys

pytestmark = pytest.mark.long(seconds=10)

# Another program that holds a lock of dpkg for some seconds.
HOLD = """
hold() {
  python3 -c 'import fcntl, pathlib, sys, time
file = open(sys.argv[1], "w"); fcntl.lockf(file, fcntl.LOCK_EX); pathlib.Path("/tmp/held").touch()
time.sleep(float(sys.argv[2]))' "$@" &
  until [ -e /tmp/held ]; do command sleep 0.05; done
}
"""
# A package of somebody else, whose dependency no archive has.
THEIRS = """
mkdir -p /tmp/theirs/DEBIAN
printf '%s\\n' 'Package: theirs' 'Version: 5' 'Architecture: all' 'Depends: missing' \\
  'Maintainer: a <a@example.org>' 'Description: a' > /tmp/theirs/DEBIAN/control
dpkg-deb --build /tmp/theirs /tmp/theirs.deb >/dev/null
"""


def test_installer_waits_for_other_apt_process(system: Layer) -> None:
    output = called(
        system,
        f"""
        for step in archive repository; do {INSTALLER} --step $step >/dev/null || exit; done
        {HOLD}
        hold /var/lib/dpkg/lock-frontend 3
        {INSTALLER} --step system-packages
        """,
    )
    name = "/var/lib/dpkg/lock-frontend"
    assert output.count(f"waiting for another apt or dpkg process to release {name}") == 1
    assert "done     Step system-packages" in output


def test_installer_stops_waiting_for_apt_after_ten_minutes(system: Layer) -> None:
    output = called(
        system,
        f"""
        {HOLD}
        hold /var/lib/dpkg/lock 60
        sleep() {{ slept=$((${{slept:-0}} + $1)); }}
        wait_for_apt || echo "gave up after $slept s"
        kill %1
        """,
    )
    message = "timed out after 10 minutes waiting for /var/lib/dpkg/lock"
    assert output.endswith(f"{message}\ngave up after 600 s\n"), output


def test_installer_configures_packages_of_interrupted_dpkg(system: Layer) -> None:
    output = called(
        system,
        f"""
        for step in archive repository; do {INSTALLER} --step $step >/dev/null || exit; done
        dpkg --unpack /srv/repository/rig-tool_3_amd64.deb >/dev/null
        {INSTALLER} --step system-packages >/dev/null; echo "first $?"
        grep -c 'dpkg was interrupted: configuring pending packages' /var/log/rig.log
        dpkg-query -W -f '${{db:Status-Abbrev}}' rig-tool
        # What it needs was not unpacked yet.
        {INSTALLER} --uninstall >/dev/null; {INSTALLER} --step archive >/dev/null
        {INSTALLER} --step repository >/dev/null
        dpkg --unpack /srv/repository/rig-direct_1.2-1_amd64.deb >/dev/null
        {INSTALLER} --step system-packages >/dev/null; echo; echo "second $?"
        dpkg-query -W -f '${{db:Status-Abbrev}}' rig-direct rig-needed
        """,
    )
    assert output.splitlines()[-5:] == ["first 0", "1", "ii ", "second 0", "hi ii "], output


def test_installer_does_not_remove_foreign_package_to_repair_dpkg(system: Layer) -> None:
    output = called(
        system,
        f"""
        for step in archive repository; do {INSTALLER} --step $step >/dev/null || exit; done
        {THEIRS}
        dpkg --unpack /tmp/theirs.deb >/dev/null
        {INSTALLER} --step system-packages; echo "status $?"
        dpkg-query -W -f '${{db:Status-Abbrev}}\n' theirs
        dpkg --purge theirs >/dev/null
        {INSTALLER} --step system-packages >/dev/null; echo "status $?"
        """,
    )
    assert "apt would remove packages that do not belong to the rig: theirs\n" in output
    assert "step system-packages failed" in output
    assert output.splitlines()[-3:] == ["status 1", "iU ", "status 0"], output


def test_uninstall_step_that_cannot_be_undone_is_named_and_repeated(system: Layer) -> None:
    output = called(
        system,
        f"""
        {INSTALLER} --step settings >/dev/null || exit
        mount --bind /etc/skel/.rig /etc/skel/.rig
        mount -o remount,bind,ro /etc/skel/.rig
        {INSTALLER} --uninstall; echo "status $?"
        umount /etc/skel/.rig
        {INSTALLER} --uninstall >/dev/null; echo "status $?"
        ls -d /etc/skel/.rig /var/lib/rig 2>/dev/null || true
        """,
    )
    failure = "could not undo step settings: Step settings; see /var/log/rig.log"
    assert f"install.sh: {failure}, then run install.sh again\nstatus 1\n" in output
    assert "Read-only file system" in output
    assert output.endswith("status 1\nstatus 0\n"), output


def test_changed_settings_are_restored_and_their_service_is_applied_again(system: Layer) -> None:
    output = called(
        system,
        f"""
        for step in settings service; do {INSTALLER} --step $step >/dev/null || exit; done
        {INSTALLER} --step service
        echo changed > /etc/skel/.rig/settings.json
        {INSTALLER} --step settings; {INSTALLER} --step service
        cat /etc/skel/.rig/settings.json
        """,
    )
    words = [line.split()[1:4] for line in output.splitlines() if "] " in line]
    assert words == [
        ["ok", "Step", "service"],
        *([word, "Step", step] for step in ("settings", "service") for word in ("doing", "done")),
    ], output
    assert output.endswith("{}\n")


def test_apptainer_tests_report_differences(system: Layer, tmp_path: Path) -> None:
    """The lines of `apptainer test` run unchanged, on a machine in the place of the image."""
    keys = Keys.made(tmp_path)
    (tmp_path / "srv").mkdir()
    plan = every_plan(Supplies(tmp_path / "srv", keys))
    keys.stop()
    (backend,) = (backend for backend in find_backends() if backend.name == "apptainer")
    files = {file.path: file.content for file in compile_plan(plan, backend)}
    lock = system.path / "up/opt/rig/lock"
    lock.mkdir(parents=True)
    for path, content in files.items():
        if path.startswith("files/"):
            (lock / Path(path).name).write_bytes(content)
    tests = files["rig.def"].decode().partition("%test\n")[2].partition("%runscript")[0]
    (line,) = (line for line in tests.splitlines() if "Python of lab" in line and "bash" in line)
    code, output = system.run("sh", "-c", line)
    assert code != 0
    assert "Python of lab: locked 3, found nothing" in output

    python = system.path / "up/opt/rig/envs/lab/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/usr/bin/python3")
    assert system.run("sh", "-c", line) == (0, "")
    assert re.search(r"(?m)^set -eu$", tests)
