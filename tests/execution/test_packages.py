"""Packages locked from the distributions' real archives, and installed in a real system."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rigspec.lock.lockfile import read_lock
from rigspec.lock.model import LockedMachine
from tests.execution.roots import SystemRoot, archives, default_mirror
from tests.installer_plan import adopt_changed_files

pytestmark = pytest.mark.long(seconds=40)

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

# A library of the toolkit alone: the driver would be built for a kernel that is not there.
SPEC = """
rig = 1
name = "box"

[machine.box]
os = "{os}"
gpus = [{{ model = "GTX 1080 Ti" }}]

[cuda]
provider = "debian"
packages = ["libcudart11.0"]

[system]
packages = ["tmux", "file"]

[mirrors]
apt = "{mirror}"
"""
UBUNTU = """
rig = 1
name = "box"

[machine.box]
os = "{os}"

[system]
packages = ["build-essential", "tmux"]

[mirrors]
apt = "{mirror}"
"""


def locked(rigspec: Rigspec, folder: Path, spec: str) -> LockedMachine:
    (folder / "rig.toml").write_text(spec, encoding="utf-8")
    done = rigspec("lock", folder / "rig.toml", "-o", folder / "lock")
    assert done.returncode == 0, done.stderr
    assert "not pinned: packages" not in done.stderr
    (machine,) = read_lock(folder / "lock")[0].machines
    return machine


def installed(root: SystemRoot) -> dict[str, str]:
    output = root.run("dpkg-query", "-W", "-f=${Package} ${Version}\\n").stdout
    return dict(line.split(" ") for line in output.splitlines())


def test_installer_debian_has_only_locked_packages(
    rigspec: Rigspec, debian_12: SystemRoot, tmp_path: Path
) -> None:
    mirror = archives()
    machine = locked(rigspec, tmp_path, SPEC.format(os="debian 12", mirror=mirror))
    options = ("--target", "shell", "--lock", tmp_path / "lock", "-o", tmp_path / "out", "--locked")
    assert rigspec("compile", tmp_path / "rig.toml", *options).returncode == 0
    shutil.copytree(tmp_path / "out" / "shell", debian_12.path / "root" / "rig")
    before = installed(debian_12)

    for step in ("archive", "system-packages", "cuda"):
        debian_12.run("/root/rig/install.sh", "--step", step)

    after = installed(debian_12)
    pins = {
        package.name: package.version
        for package in machine.packages
        if {package.part, *package.needed_by} & {"system", "cuda"}
    }
    assert pins.keys() <= after.keys()
    assert {name: after[name] for name in pins} == pins
    assert {name for name in after if name not in before} <= pins.keys()
    assert debian_12.run("apt-mark", "showhold").stdout.split() == ["libcudart11.0"]
    sources = (debian_12.path / "etc/apt/sources.list.d/rig.list").read_text(encoding="utf-8")
    assert sources.count("signed-by=/usr/share/keyrings/debian-archive-keyring.gpg") == 3

    second = debian_12.run("/root/rig/install.sh", "--step", "system-packages").stdout
    assert "ok       System packages" in second

    # A version that moved is put back; a lock whose files the archive does not have is refused.
    debian_12.run("dpkg", "--purge", "tmux")
    debian_12.run("/root/rig/install.sh", "--step", "system-packages")
    assert installed(debian_12)["tmux"] == pins["tmux"]
    listed = debian_12.path / "root/rig/files/packages.system.txt"
    text = listed.read_text(encoding="utf-8")
    checksum = next(line.split()[1] for line in text.splitlines() if line.startswith("tmux="))
    listed.write_text(text.replace(checksum, "0" * 64), encoding="utf-8")
    debian_12.run("dpkg", "--purge", "tmux")
    mixed = debian_12.run("/root/rig/install.sh", "--step", "system-packages", check=False)
    assert mixed.returncode == 1
    assert "do not belong to this installer" in mixed.stderr
    # As an installer that was compiled from such a lock.
    adopt_changed_files(debian_12.path / "root/rig")
    refused = debian_12.run("/root/rig/install.sh", "--step", "system-packages", check=False)
    assert refused.returncode == 1
    output = refused.stdout + refused.stderr
    assert (
        f"tmux={pins['tmux']}: checksum mismatch between the lock and the package index" in output
    )
    assert "tmux" not in installed(debian_12)

    # The archive replaced the locked version: nothing is wrong with the lock.
    listed.write_text(text.replace(f"tmux={pins['tmux']}", "tmux=3.0-1"), encoding="utf-8")
    adopt_changed_files(debian_12.path / "root/rig")
    replaced = debian_12.run("/root/rig/install.sh", "--step", "system-packages", check=False)
    assert replaced.returncode == 1
    output = replaced.stdout + replaced.stderr
    assert f"tmux=3.0-1: not in the package index, which has {pins['tmux']}\n" in output
    assert "lock and compile again" in output
    assert "checksum mismatch" not in output


@pytest.mark.parametrize(
    ("os", "suite", "key"),
    [
        ("ubuntu 16.04", "xenial", "790BC7277767219C42C86F933B4FE6ACC0B21F32"),
        ("ubuntu 22.04", "jammy", "F6ECB3762474EDA9D21B7022871920D1991BC93C"),
    ],
)
def test_lock_ubuntu_packages_from_other_distribution(
    os: str, suite: str, key: str, rigspec: Rigspec, tmp_path: Path
) -> None:
    mirror = default_mirror(suite).removesuffix("ubuntu") + "{distribution}"
    machine = locked(rigspec, tmp_path, UBUNTU.format(os=os, mirror=mirror))
    assert {"build-essential", "tmux", "gcc", "libc6-dev"} <= {p.name for p in machine.packages}
    assert all(package.version and package.sha256 for package in machine.packages)
    assert {each.suite for each in machine.archives} == {
        suite,
        f"{suite}-updates",
        f"{suite}-security",
    }
    assert all(key in each.key_fingerprints for each in machine.archives)
