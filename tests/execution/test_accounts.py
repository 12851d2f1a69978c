"""Accounts that the installer makes or finds: root follows no user's link, takes nothing away."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.lock.lockfile import read_lock
from rigspec.plan import steps
from rigspec.plan.model import BaseImage, Plan
from tests.conftest import ROOT
from tests.execution.all_step_kinds import every_base, write_installer
from tests.execution.conftest import KEPT
from tests.execution.layers import Layer

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0000000000000000000000000000000000000000000 alice"
OTHER = KEY.replace("J000", "J111")
THEIRS = "ssh-ed25519 AAAADEPLOY admin@deploy"
AUTHORIZED = "/home/alice/.ssh/authorized_keys"
INSTALLER = "/root/rig/install.sh"
BEGUN = "/var/lib/rig/owned/accounts-begun"


def plan(
    *keys: str,
    groups: tuple[str, ...] = (),
    more: tuple[steps.Step, ...] = (),
    account: bool = True,
) -> Plan:
    """A rig of one account, and what else there is to be."""
    (machine,) = read_lock(ROOT / "lockfiles" / "legacy-cpu")[0].machines
    alice = steps.UserStep(
        id="user-alice", title="Account", layer="user", name="alice", ssh_keys=keys, groups=groups
    )
    platform = steps.PlatformStep(
        id="platform", title="System", layer="x", distribution="debian", release="12", arch="x86_64"
    )
    return Plan(
        rig="lab", summary="An account", machine="box", resolution=machine.resolution,
        locked=machine, requested=(),
        steps=(platform, *((alice,) if account else ()), *more), payload=(), omissions=(),
        base=BaseImage("debian:12"), lock_digest="0" * 64,
    )  # fmt: skip


@pytest.fixture
def system(tmp_path: Path) -> Layer:
    """A system with the installer of an account that has a key."""
    layer = Layer.over(every_base(KEPT), tmp_path / "system")
    layer.add(write_installer(plan(KEY), tmp_path / "rig"), "root/rig")
    return layer


def sh(system: Layer, commands: str) -> str:
    code, output = system.run("sh", "-ec", commands)
    assert code == 0, output
    return output


def install(system: Layer) -> str:
    code, output = system.run(INSTALLER)
    assert code == 0, output
    return output


def again(system: Layer) -> tuple[int, str]:
    """Once more, as if something of the account had changed."""
    sh(system, "rm -f /var/lib/rig/user-alice")
    return system.run(INSTALLER)


def test_ssh_keys_are_merged_and_dropped_keys_removed(system: Layer, tmp_path: Path) -> None:
    install(system)
    assert sh(system, f"cat {AUTHORIZED}") == f"{KEY}\n"
    kept = sh(system, "stat -c '%a %U:%G' /home/alice/.ssh /home/alice/.ssh/authorized_keys")
    assert kept == "700 alice:alice\n600 alice:alice\n"
    sh(system, f"printf '%s' '{THEIRS}' >> {AUTHORIZED}")

    system.add(write_installer(plan(OTHER, KEY), tmp_path / "more"), "root/rig")
    install(system)
    assert sh(system, f"cat {AUTHORIZED}") == f"{THEIRS}\n{OTHER}\n{KEY}\n"

    system.add(write_installer(plan(OTHER), tmp_path / "fewer"), "root/rig")
    install(system)
    assert sh(system, f"cat {AUTHORIZED}") == f"{THEIRS}\n{OTHER}\n"
    assert sh(system, "ls -A /home/alice/.ssh") == "authorized_keys\n"


def test_ssh_keys_last_dropped_key_is_removed(system: Layer, tmp_path: Path) -> None:
    install(system)
    system.add(write_installer(plan(), tmp_path / "none"), "root/rig")
    install(system)
    assert sh(system, f"cat {AUTHORIZED}") == ""
    sh(system, f"runuser -u alice -- sh -c 'echo {KEY} > ~/.ssh/authorized_keys'")
    # From now on it is somebody else's.
    assert again(system)[0] == 0
    assert sh(system, f"cat {AUTHORIZED}") == f"{KEY}\n"


def test_user_dropped_group_is_reported(system: Layer, tmp_path: Path) -> None:
    system.add(write_installer(plan(groups=("video", "games")), tmp_path / "two"), "root/rig")
    install(system)
    system.add(write_installer(plan(groups=("games",)), tmp_path / "one"), "root/rig")
    assert "alice is still in group video, which the rig no longer lists" in install(system)
    assert "is still in group" not in install(system)
    assert sh(system, "id -nG alice") == "alice video games\n"


def test_user_existing_account_keeps_home_and_group(system: Layer) -> None:
    sh(system, "mkdir /srv/people; useradd -N -g users -m -d /srv/people/alice alice")
    install(system)
    place = "/srv/people/alice/.ssh/authorized_keys"
    assert sh(system, f"cat {place}") == f"{KEY}\n"
    assert sh(system, f"stat -c '%a %U:%G' {place}") == "600 alice:users\n"
    assert sh(system, "ls /home") == ""


def test_user_symlink_in_home_is_not_read_as_root(system: Layer) -> None:
    install(system)
    sh(system, f"runuser -u alice -- ln -sf /etc/shadow {AUTHORIZED}")
    code, output = again(system)
    assert code == 1
    assert "/home/alice/.ssh/authorized_keys" in output
    assert sh(system, f"readlink {AUTHORIZED}") == "/etc/shadow\n"
    # A link to what the user may read is a file of theirs.
    sh(system, f"runuser -u alice -- sh -c 'echo {THEIRS} > ~/mine; ln -sf ~/mine {AUTHORIZED}'")
    code, output = again(system)
    assert code == 0, output
    assert sh(system, f"cat {AUTHORIZED}") == f"{THEIRS}\n{KEY}\n"


def test_user_symlink_in_home_is_not_written_as_root(system: Layer) -> None:
    install(system)
    sh(system, "cd /home/alice && rm -r .ssh && runuser -u alice -- ln -s /etc .ssh")
    before = sh(system, "stat -c '%a %U:%G' /etc")
    code, output = again(system)
    assert code == 1
    assert "/home/alice/.ssh" in output
    assert sh(system, "stat -c '%a %U:%G' /etc; ls /etc | grep authorized || true") == before


def test_user_existing_group_is_refused_and_kept(system: Layer) -> None:
    sh(system, "groupadd -g 4242 alice; gpasswd -M www-data alice")
    for _ in range(2):
        code, output = system.run(INSTALLER)
        assert code == 1
        assert "group alice already exists" in output
        assert sh(system, "getent group alice") == "alice:x:4242:www-data\n"
    sh(system, "useradd --create-home --gid alice alice")
    install(system)
    assert sh(system, f"cat {AUTHORIZED}; id -gn alice; getent group alice") == (
        f"{KEY}\nalice\nalice:x:4242:www-data\n"
    )


# What useradd leaves where it is killed before it has written the groups.
HALF = (
    "mkdir -p /var/lib/rig/owned; echo alice > " + BEGUN + "; "
    "useradd --create-home --shell /bin/bash alice; groupdel --force alice; "
    "sed -i /^alice:/d /etc/shadow; chown -R root:root /home/alice; "
)


def test_user_half_created_account_is_recreated_with_same_uid(system: Layer) -> None:
    sh(system, HALF + "sed -i 's/^alice:x:1000:1000/alice:x:1077:1077/' /etc/passwd")
    install(system)
    found = sh(system, "id -u alice; id -gn alice; stat -c %U /home/alice /home/alice/.bashrc")
    assert found == "1077\nalice\nalice\nalice\n"
    assert sh(system, "getent shadow alice").startswith("alice:!:")
    assert sh(system, f"cat {BEGUN} || true").strip() == ""


@pytest.mark.parametrize(
    "used",
    [
        "echo alice:secret | chpasswd",
        "usermod --append --groups sudo alice",
        "chsh -s /bin/sh alice",
        "usermod --comment Alice alice",
        "gpasswd -M www-data alice",
        "echo mine > /home/alice/work",
        "runuser -u alice -- sh -c 'mkdir ~/.ssh; echo ssh-rsa AAAA > ~/.ssh/authorized_keys'",
        "useradd --no-user-group --gid alice friend",
    ],
)
def test_user_used_account_after_kill_is_kept(system: Layer, used: str) -> None:
    sh(system, f"mkdir -p /var/lib/rig/owned; echo alice > {BEGUN}")
    sh(system, f"useradd --uid 1077 --create-home --shell /bin/bash alice; {used}")
    look = "getent passwd alice; getent shadow alice; getent group alice; ls -AR /home/alice/[!.]*"
    before = sh(system, f"({look}) || true; id -Gn alice")
    install(system)
    assert sh(system, f"({look}) || true; id -Gn alice") == before
    assert KEY in sh(system, f"cat {AUTHORIZED}")


def test_user_existing_home_is_kept(system: Layer) -> None:
    sh(system, "mkdir -p /home/alice/empty; : > /home/alice/empty/note")
    # useradd says so and goes on: whose the files are, it does not know.
    code, output = system.run(INSTALLER)
    assert code == 1
    assert "/home/alice" in output
    sh(system, f"echo alice > {BEGUN}; echo /home/alice > /var/lib/rig/owned/homes-before")
    system.run(INSTALLER)
    assert sh(system, "ls /home/alice/empty") == "note\n"
    sh(system, "chown -R alice:alice /home/alice")
    install(system)
    assert sh(system, f"cat {AUTHORIZED}") == f"{KEY}\n"


def test_user_failed_useradd_leaves_no_record(system: Layer) -> None:
    program = "#!/bin/sh\\necho no room >&2; exit 12\\n"
    sh(system, f"printf '{program}' > /usr/local/sbin/useradd; chmod +x /usr/local/sbin/useradd")
    code, output = system.run("env", "PATH=/usr/local/sbin:/usr/sbin:/usr/bin", INSTALLER)
    assert code == 1
    assert "no room" in output
    assert sh(system, f"cat {BEGUN} || true").strip() in ("", f"cat: {BEGUN}: No such file")


def test_user_backup_files_are_not_treated_as_locks(system: Layer) -> None:
    copies = ("passwd.2025-01-01", "shadow.1", "group.20250101", "gshadow.3.bak")
    for copy in copies:
        sh(system, f"cp /etc/{copy.partition('.')[0]} /etc/{copy}")
    # A number, and another one.
    sh(system, "echo 7 > /etc/shadow.8")
    install(system)
    for copy in (*copies, "shadow.8"):
        assert sh(system, f"ls /etc/{copy}") == f"/etc/{copy}\n"


def test_user_stale_useradd_locks_are_removed(system: Layer) -> None:
    sh(
        system,
        "printf '99999\\0' > /etc/passwd.99999; ln /etc/passwd.99999 /etc/passwd.lock; "
        "printf '99999\\0' > /etc/group.99999; : > /etc/shadow.99999; echo x > /etc/passwd+",
    )
    install(system)
    left = sh(system, "ls /etc/passwd.* /etc/passwd+ /etc/group.* /etc/shadow.* 2>/dev/null||true")
    assert left == ""
