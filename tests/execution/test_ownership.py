"""What the installer knows to be its own, on machines where something goes wrong."""

from __future__ import annotations

import re

import pytest

from tests.execution.installer_functions import BY_HAND, INSTALLER, called
from tests.execution.layers import Layer


def test_records_full_disk_keeps_lists_and_stops(system: Layer) -> None:
    output = called(
        system,
        """
        small /var/lib/rig 64k
        for i in {1..100}; do record files "$(printf '%064d  /etc/number-%d' $i $i)"; done
        record trees /opt/rig/envs/lab
        record before "	/etc/x	/etc/x.before-rig"
        fill /var/lib/rig
        echo x > /etc/new.rig-new
        record files "$(printf '%064d  /etc/new' 7)" || echo refused record
        record_file /etc/new || echo refused record_file
        record_tree /opt/rig/envs/other || echo refused record_tree
        record_contents cudnn /usr/local || echo refused record_contents
        unrecord files "$(printf '%064d  /etc/number-1' 1)" || echo refused unrecord
        wc -l < /var/lib/rig/owned/files
        wc -l < /var/lib/rig/owned/trees
        read_list before
        """,
    )
    refused = [line.split()[1] for line in output.splitlines() if line.startswith("refused")]
    assert refused == ["record", "record_file", "record_tree", "record_contents", "unrecord"]
    assert output.splitlines()[-3:] == ["100", "1", "\t/etc/x\t/etc/x.before-rig"]


def test_records_disk_filling_up_keeps_foreign_files(system: Layer) -> None:
    output = called(
        system,
        """
        small /var/lib/rig 200k
        folder=/usr/local/thing
        mkdir -p $folder/include
        for i in {1..2500}; do : > $folder/include/a_header_of_somebody_number_$i.h; done
        record_dir $folder; head -c 120k /dev/zero > /var/lib/rig/fill
        record_contents cudnn $folder || echo refused
        rm /var/lib/rig/fill; mount -o remount,size=10m /var/lib/rig
        record_contents cudnn $folder && echo new > $folder/include/a.h
        # The disk is full again when it has come, and what has come is found out at the end.
        fill /var/lib/rig
        record_new_contents cudnn $folder || echo refused
        rm /var/lib/rig/fill
        remove cudnn
        find $folder -type f | wc -l
        ls -d $folder/include/a.h || echo gone
        """,
    )
    lines = output.splitlines()
    assert (lines.count("refused"), lines[-3], lines[-1]) == (2, "2500", "gone"), output


def test_record_file_failed_backup_does_not_replace(system: Layer) -> None:
    output = called(
        system,
        """
        small /usr/local 40k
        head -c 20000 /dev/zero | tr '\\0' x > /usr/local/theirs
        echo ours > /usr/local/theirs.rig-new
        fill /usr/local
        record_file /usr/local/theirs && mv -fT /usr/local/theirs.rig-new /usr/local/theirs
        ls /usr/local; stat -c %s /usr/local/theirs; read_list before
        """,
    )
    assert output.split()[-4:] == ["fill", "theirs", "theirs.rig-new", "20000"], output
    assert "saved as" not in output


def test_restore_file_replaced_symlink_is_restored(system: Layer) -> None:
    output = called(
        system,
        """
        echo elsewhere > /usr/local/target
        ln -s target /usr/local/theirs; ln -s nowhere /usr/local/other
        for name in theirs other; do
          cp /usr/local/target /usr/local/$name.rig-new
          record_file /usr/local/$name && mv -fT /usr/local/$name.rig-new /usr/local/$name
        done
        restore_file /usr/local/theirs; restore_file /usr/local/other
        readlink /usr/local/theirs /usr/local/other; ls /usr/local
        """,
    )
    assert "target\nnowhere\n" in output
    assert "before-rig" not in output.rpartition("nowhere")[2]


def test_restore_file_with_many_records_is_recognized(system: Layer) -> None:
    output = called(
        system,
        """
        name=/etc/a-file-with-a-name-that-is-long
        record files "$(for i in {1..3000}; do printf '%064d  %s\\n' $i $name-$i; done)"
        echo changed > $name-1
        restore_file $name-1
        """,
    )
    assert "kept /etc/a-file-with-a-name-that-is-long-1: modified since it was installed" in output


def test_installer_full_disk_stops_and_resumes(
    system: Layer,
) -> None:
    text = called(
        system,
        f"""
        mkdir -p /etc/skel/.rig; echo mine > /etc/skel/.rig/settings.json
        small /var/lib/rig 40k; small /var/log 40k; fill /var/log
        {INSTALLER} --step download; echo "with a full log $?"
        fill /var/lib/rig
        {INSTALLER} --step settings; echo "full $?"
        cat /etc/skel/.rig/settings.json; ls -A /var/lib/rig/owned
        rm /var/lib/rig/fill
        {INSTALLER} --step settings; echo "room $?"
        cat /etc/skel/.rig/settings.json.before-rig
        """,
    )
    assert "cannot write to /var/log/rig.log: the output of the steps is lost" in text
    assert "with a full log 0" in text
    assert "full 1\nmine\nfiles\nfolders\n" in text
    assert "room 0\nmine\n" in text


def test_records_directory_is_private(system: Layer) -> None:
    called(system, f"mkdir -p /var/lib/rig/owned; {INSTALLER} --step settings")
    assert system.run("stat", "-c", "%a", "/var/lib/rig/owned") == (0, "700\n")
    called(system, f"rm -rf /var/lib/rig; {INSTALLER} --step download")
    assert system.run("stat", "-c", "%a", "/var/lib/rig", "/var/lib/rig/owned")[1] == "755\n700\n"


def test_record_file_secret_has_no_digest(system: Layer) -> None:
    output = called(
        system,
        """
        place() {
          echo "password=$1" > /etc/s.rig-new
          record_file /etc/s secret && mv -fT /etc/s.rig-new /etc/s
        }
        echo theirs > /etc/s
        echo password=older > /etc/s.rig-new
        # As an older version kept it.
        record_file /etc/s && mv -fT /etc/s.rig-new /etc/s; cut -c -64 /var/lib/rig/owned/files
        place one; place two; place two; ls /etc/s /etc/s.*
        cut -c -64 /var/lib/rig/owned/files | grep -v changed
        restore_file /etc/s; cat /etc/s; read_list files
        place three; echo more >> /etc/s; restore_file /etc/s; tail -n 1 /etc/s
        """,
    )
    lines = [line for line in output.splitlines() if not line.startswith("   ")]
    assert len(lines[0]) == 64
    assert lines[1:] == ["/etc/s", "/etc/s.before-rig", "theirs", "more"], output
    assert "kept /etc/s: modified since it was installed" in output


def test_archive_replaced_files_are_backed_up_and_restored(system: Layer) -> None:
    output = called(
        system,
        f"""
        {BY_HAND}
        by_hand; state
        apply cudnn && library; readlink /usr/local/thing/include
        # Another version of it, over ours: there is nothing of somebody else to keep.
        apply cudnn && library; find /usr/local/thing -name '*.before-rig*' | sort
        remove cudnn; state
        """,
    )
    lines = [line for line in output.splitlines() if not line.startswith("  ")]
    ours = ["include/a.hinclud", "liba.so.1"]
    assert lines[1] == ours[0] + ours[1], output
    assert lines[2] == "targets/include"
    assert lines[4:6] == [
        "/usr/local/thing/lib/liba.so.before-rig",
        "/usr/local/thing/targets/include/a.h.before-rig",
    ]
    assert lines[-1] == lines[0], output
    assert output.count("already existed: saved as") == 2
    assert "restore /usr/local/thing/targets/include/a.h.before-rig" in output


def test_archive_modified_file_is_backed_up_by_next_version(system: Layer) -> None:
    output = called(
        system,
        f"""
        {BY_HAND}
        apply cudnn && echo mended > /usr/local/thing/include/a.h
        apply cudnn && library
        cat /usr/local/thing/include/a.h.before-rig
        """,
    )
    assert output.endswith("include/a.hincludliba.so.1\nmended\n"), output


@pytest.mark.e2e(minutes=2)
def test_archive_killed_anywhere_restores_replaced_files(system: Layer) -> None:
    output = called(
        system,
        f"""
        {BY_HAND}
        dying() {{
          local top=$BASHPID n=0
          set -T
          trap '[ $((++n)) -lt "$at" ] || kill -9 -- "-$top"' DEBUG
          "$@" >/dev/null
        }}
        set -m
        for at in {{30..390..12}}; do
          by_hand; was=$(state)
          dying apply cudnn & wait $! 2>/dev/null && ended=yes || ended=no
          # Half of them are run again first.
          [ $((at % 24)) -eq 6 ] && again=yes || again=no
          [ $again = no ] || apply cudnn >/dev/null || echo "$at: not again"
          dying remove cudnn & wait $! 2>/dev/null
          remove cudnn >/dev/null || echo "$at: not removed"
          echo "$at $ended $again $([ "$(state)" = "$was" ] && echo same || echo other)"
        done 2>&1
        """,
    )
    points = [line.split() for line in output.splitlines() if line.endswith(("same", "other"))]
    assert [point for point in points if point[-1] != "same"] == [], output
    assert {point[1] for point in points} == {"yes", "no"}
    assert ": not" not in output


def test_record_contents_new_directory_ignores_old_lists(system: Layer) -> None:
    output = called(
        system,
        """
        mkdir -p /usr/local/cuda-9 /usr/local/cuda-10/include
        echo theirs > /usr/local/cuda-10/include/cuda.h
        record_contents cudnn /usr/local/cuda-9; echo ours > /usr/local/cuda-9/cudnn.h
        # It was killed here, and the next rig has another CUDA.
        record_contents cudnn /usr/local/cuda-10; echo ours > /usr/local/cuda-10/include/cudnn.h
        record_new_contents cudnn /usr/local/cuda-10
        restore_contents cudnn /usr/local/cuda-10
        read_list shared | while read -r id folder; do restore_contents "$id" "$folder"; done
        find /usr/local/cuda-* -type f; read_list shared | wc -l
        """,
    )
    assert output.splitlines()[-2:] == ["/usr/local/cuda-10/include/cuda.h", "0"], output


def test_uninstall_keeps_what_another_rig_needs(system: Layer) -> None:
    output = called(
        system,
        f"""
        here() {{
          echo "$1:" $(ls -d /opt/rig/envs/lab /usr/bin/rig-tool /etc/skel/.*/settings.json \\
            /var/lib/rig 2>/dev/null) $(dpkg-query -W -f '${{db:Status-Abbrev}}' rig-tool)
        }}
        mkdir -p /root/other; cp -r /root/rig/files /root/other
        # It has a file of its own, and asks for the same packages.
        kept='platform\\|driver\\|settings'
        sed -e 's/ RIG_NAME=[^ ]*/ RIG_NAME=other/' -e 's|skel/.rig/|skel/.other/|g' \\
          -e 's/ dependents=service//' \\
          -e "/^  step /{{:more; /\\\\\\\\$/{{N; b more}}; / step \\($kept\\) /!d}}" \\
          {INSTALLER} > /root/other/install.sh
        for step in archive repository driver env-lab settings; do
          {INSTALLER} --step $step || exit
        done
        other() {{ bash /root/other/install.sh "$@"; }}
        other --step driver && other --step settings; here both
        other --uninstall; here first
        other --step settings; {INSTALLER} --uninstall; here second
        other --uninstall; here none
        """,
    )
    found = [line for line in output.splitlines() if re.match("(both|first|second|none):", line)]
    ours, other = "/etc/skel/.rig/settings.json", "/etc/skel/.other/settings.json"
    assert found == [
        f"both: {other} {ours} /opt/rig/envs/lab /var/lib/rig ii",
        f"first: {ours} /opt/rig/envs/lab /var/lib/rig ii",
        f"second: {other} /var/lib/rig ii",
        "none:",
    ], output
    assert "kept the packages of driver: still needed by every" in output


def test_installer_lock_cannot_be_taken_by_users(system: Layer) -> None:
    output = called(
        system,
        f"""
        mkdir -p -m 1777 /run/lock; : > /run/lock/rig.lock
        {INSTALLER} --step settings || exit
        for file in /run/lock/rig.lock /var/lib/rig /var/lib/rig/*; do
          setpriv --reuid=65534 --clear-groups flock --nonblock "$file" sleep 60 2>/dev/null &
        done
        sleep 1
        {INSTALLER} --step download && echo installed
        kill $(jobs -p)
        flock /var/lib/rig/lock {INSTALLER} --step download || echo refused
        """,
    )
    assert "done     Step download" in output
    assert "another installation is running; nothing was changed\nrefused" in output


def test_installer_lock_deleted_by_uninstall_is_refused(system: Layer) -> None:
    output = called(
        system,
        f"""
        mkdir /root/bin
        printf '#!/bin/sh\nrm /var/lib/rig/lock; exec /usr/bin/flock "$@"\n' > /root/bin/flock
        chmod +x /root/bin/flock
        PATH=/root/bin:$PATH {INSTALLER} --step settings || echo refused
        """,
    )
    assert output.endswith("another installation is running; nothing was changed\nrefused\n"), (
        output
    )


def test_uninstall_restores_apt_marks(system: Layer) -> None:
    output = called(
        system,
        f"""
        marked() {{ echo "$1:" $(apt-mark showauto rig-needed rig-tool libsystemd0); }}
        for step in archive repository; do {INSTALLER} --step $step >/dev/null || exit; done
        apt-get -qq update; apt-get -qq install --yes rig-direct rig-tool >/dev/null 2>&1
        apt-mark auto rig-tool libsystemd0 >/dev/null
        marked before
        {INSTALLER} --step system-packages >/dev/null || exit
        marked installed
        apt-mark manual rig-tool libsystemd0 >/dev/null
        {INSTALLER} --uninstall >/dev/null
        marked uninstalled
        """,
    )
    lines = [line for line in output.splitlines() if ":" in line]
    assert lines == [
        "before: libsystemd0 rig-needed rig-tool",
        "installed: libsystemd0 rig-tool",
        "uninstalled: rig-needed",
    ], output


def test_environment_failed_rebuild_restores_previous(system: Layer) -> None:
    output = called(
        system,
        f"""
        lab() {{
          echo "$1:" $(/opt/rig/envs/lab/bin/python -c 'import rig_one; print(rig_one.VERSION)') \\
            $(ls /opt/rig/envs) $(test -s /var/lib/rig/env-lab && echo stamped)
        }}
        {INSTALLER} --step env-lab >/dev/null && lab first
        # Another lock, whose packages no index has, and then one that has them again.
        echo other > /var/lib/rig/env-lab; mv /srv/simple /srv/gone
        {INSTALLER} --step env-lab || lab failed
        # One that was killed while it was made is made again, or gives way to the one before.
        mv /opt/rig/envs/lab /opt/rig/envs/lab.rig-old; mkdir /opt/rig/envs/lab
        {INSTALLER} --step env-lab || lab killed
        mv /opt/rig/envs/lab /opt/rig/envs/lab.rig-old; mkdir /opt/rig/envs/lab
        mv /srv/gone /srv/simple
        {INSTALLER} --step env-lab >/dev/null && lab whole
        touch /opt/rig/envs/lab.rig-old
        {INSTALLER} --uninstall >/dev/null; ls -d /opt/rig 2>&1 || true
        """,
    )
    found = [line for line in output.splitlines() if re.match("(first|failed|killed|whole):", line)]
    names = ("first", "failed", "killed", "whole")
    assert found == [f"{name}: 1.0 lab stamped" for name in names], output
    assert "restored the previous /opt/rig/envs/lab" in output
    assert "No such file" in output.splitlines()[-1]
