"""The installer where another program is in its way, or where a system is not as it should be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rigspec.backend.discovery import find_backends
from rigspec.backend.render import compile_plan
from tests.execution.all_step_kinds import Supplies, every_plan
from tests.execution.installer_functions import HOLD, INSTALLER, called
from tests.execution.layers import Layer
from tests.lock.signed_archive import Keys

pytestmark = pytest.mark.long(seconds=10)

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


def test_archive_through_a_link_out_of_its_folder_restores_foreign_files(system: Layer) -> None:
    output = called(
        system,
        f"""
        mkdir -p /opt/theirs /usr/local/thing
        ln -s /opt/theirs /usr/local/thing/include
        echo theirs > /opt/theirs/a.h
        for run in 1 2; do
          rm -f /var/lib/rig/cudnn; {INSTALLER} --step cudnn
          head -c 17 /opt/theirs/a.h; echo; ls /opt/theirs
        done
        {INSTALLER} --uninstall
        cat /opt/theirs/a.h; find /opt/theirs /usr/local/thing ! -type d
        """,
    )
    lines = [line for line in output.splitlines() if not line.startswith((" ", "["))]
    assert lines[:6] == ["include/a.hinclud", "a.h", "a.h.before-rig"] * 2, output
    assert output.count("/opt/theirs/a.h already existed: saved as") == 1
    assert lines[-3:] == ["theirs", "/opt/theirs/a.h", "/usr/local/thing/include"], output


def test_backup_of_somebody_else_is_not_overwritten(system: Layer) -> None:
    output = called(
        system,
        f"""
        mkdir -p /etc/skel/.rig; cd /etc/skel/.rig
        echo older > settings.json.before-rig; echo theirs > settings.json
        {INSTALLER} --step settings; cat settings.json
        {INSTALLER} --uninstall >/dev/null; cat settings.json settings.json.before-rig; ls
        """,
    )
    assert "settings.json already existed: saved as /etc/skel/.rig/settings.json.before-rig.1" in (
        output
    )
    assert output.splitlines()[-5:] == [
        *("{}", "theirs", "older", "settings.json", "settings.json.before-rig"),
    ], output


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
