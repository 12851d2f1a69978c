"""The disk of a real machine: a Debian with cloud-init and GRUB, made once and kept."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

from filelock import FileLock

from tests.execution.roots import (
    SystemRoot,
    add_updates,
    configure,
    trust_host_certificates,
    with_updates,
)

_PACKAGES = (
    *("systemd-sysv", "dbus", "udev", "kmod", "isc-dhcp-client"),
    *("cloud-init", "grub-pc-bin", "grub2-common", "initramfs-tools", "openssh-server"),
    *("ca-certificates", "curl", "gnupg", "python3-venv", "sudo"),
)
# What configures the network: cloud-init of Debian 11 writes no files for systemd-networkd.
_NETWORK = {"bullseye": "ifupdown", "bookworm": "systemd-resolved"}
_AGENT = Path(__file__).with_name("machine_agent.py")
_AGENT_UNIT = """\
[Unit]
Description=Runs what the tests ask for on the second serial port
DefaultDependencies=no
After=sysinit.target
Conflicts=shutdown.target
Before=shutdown.target

[Service]
ExecStart=/usr/bin/python3 /usr/local/sbin/machine-agent
Restart=always

[Install]
WantedBy=sysinit.target
"""
# No data source: cloud-init finds out where it runs, as on the image of a provider.
_ARGUMENTS = "console=ttyS0 net.ifnames=0"
_GRUB = f"""\
GRUB_DEFAULT=0
GRUB_TIMEOUT=0
GRUB_TERMINAL=serial
GRUB_DISABLE_OS_PROBER=true
GRUB_DISABLE_LINUX_UUID=true
GRUB_DISTRIBUTOR=Debian
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="{_ARGUMENTS}"
"""
# What the image boots with until the machine itself runs update-grub.
_FIRST_MENU = f"""\
set root=(hd0,msdos1)
linux /vmlinuz root=/dev/vda1 rw {_ARGUMENTS}
initrd /initrd.img
boot
"""
_SECTOR = 512
_START = 2048  # of the partition, in sectors
_SIZE = 6 * 1024**3
# Bump when the image is to be made anew.
_EDITION = 3


def make_image(cache: Path, suite: str = "bookworm") -> Path:
    """The disk, as a raw image that nobody must write to: boot a layer above it."""
    disk = cache / f"machine-{suite}-{_EDITION}.img"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / f".machine-{suite}.lock"):
        if not disk.exists():
            root = cache / f".machine-{suite}.root"
            staged = cache / f".{disk.name}.partial"
            shutil.rmtree(root, ignore_errors=True)
            staged.unlink(missing_ok=True)
            _make_root(root, suite)
            _make_disk(root, staged)
            shutil.rmtree(root)
            staged.rename(disk)
    return disk


def make_filesystem(folder: Path, image: Path, label: str, size: int, offset: int = 0) -> None:
    """An ext4 file system that holds a folder, made without mounting anything."""
    with open(image, "ab") as file:
        file.truncate(offset + size)
    options = ["-q", "-F", "-t", "ext4", "-L", label, "-E", f"offset={offset}", "-d", str(folder)]
    _run("mke2fs", *options, str(image), f"{size // 1024}k")


def _make_root(folder: Path, suite: str) -> None:
    # The kernel of the release: packages of its security updates disappear from the archive first.
    include = ",".join((f"linux-image-cloud-amd64/{suite}", *_PACKAGES, _NETWORK[suite]))
    # With its updates: an emulated machine would spend minutes on them.
    # In a mount namespace of its own: whatever kills it, nothing stays mounted in the folder.
    _run(
        *("unshare", "--mount", "mmdebstrap", "--variant=minbase", "--mode=root"),
        *(f"--include={include}", suite, str(folder), *with_updates(suite)),
    )
    _configure_root(folder, suite)


def _configure_root(folder: Path, suite: str) -> None:
    resolver = folder / "etc" / "resolv.conf"
    resolver.unlink(missing_ok=True)
    configure(folder)
    add_updates(folder, suite)
    _write(folder / "etc/fstab", "LABEL=root / ext4 errors=remount-ro 0 1\n")
    _write(folder / "etc/cloud/cloud.cfg.d/99-image.cfg", "locale: C.UTF-8\n")
    _write(folder / "etc/default/grub", _GRUB)
    _write(folder / "boot/grub/grub.cfg", _FIRST_MENU)
    _write(folder / "etc/systemd/system/machine-agent.service", _AGENT_UNIT)
    shutil.copyfile(_AGENT, folder / "usr/local/sbin/machine-agent")
    # What grub-install would bring: the menu that update-grub writes loads its modules from here.
    shutil.copytree(folder / "usr/lib/grub/i386-pc", folder / "boot/grub/i386-pc")
    root = SystemRoot(folder)
    trust_host_certificates(root)
    root.run("systemctl", "enable", "machine-agent")
    # Whoever asks a machine for its upgrades in the middle of a test changes what is tested.
    root.run("systemctl", "mask", "apt-daily.timer", "apt-daily-upgrade.timer")
    root.run("apt-get", "-qq", "update")
    modules = ("biosdisk", "part_msdos", "ext2", "normal", "linux", "configfile")
    root.run(
        *("grub-mkimage", "-O", "i386-pc", "-p", "(hd0,msdos1)/boot/grub", "-o", "/core.img"),
        *modules,
    )
    if _NETWORK[suite] == "systemd-resolved":
        root.run("systemctl", "enable", "systemd-networkd", "systemd-resolved")
        resolver.unlink()
        resolver.symlink_to("../run/systemd/resolve/stub-resolv.conf")


def _make_disk(root: Path, disk: Path) -> None:
    start = _START * _SECTOR
    first = (root / "usr/lib/grub/i386-pc/boot.img").read_bytes()[:440]
    core = (root / "core.img").read_bytes()
    (root / "core.img").unlink()
    assert len(core) < start - _SECTOR, "GRUB does not fit before the partition"
    make_filesystem(root, disk, "root", _SIZE - start, offset=start)
    partition = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x83, b"\xfe\xff\xff", _START, 0)
    partition = partition[:12] + struct.pack("<I", (_SIZE - start) // _SECTOR)
    with open(disk, "r+b") as file:
        file.write(first.ljust(446, b"\0") + partition.ljust(64, b"\0") + b"\x55\xaa")
        file.write(core)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
