"""What a machine of its own has, or a bigger rig: each fault is seen, and named.

This machine, with other folders laid over its own, in a namespace of the test.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

# The steps of a machine with a driver, a toolkit, a service and a kernel of its own.
PROGRAM = """
from pathlib import Path
from rigspec.doctor.diagnose import diagnose
from rigspec.doctor.render import render_json
from rigspec.lock.model import LockedFile, LockedMachine
from rigspec.plan.model import *
from rigspec.plan.steps import *
from rigspec.resolution import Resolution

fingerprint = Path("/usr/local/fingerprint").read_text().strip()
file = LockedFile("cudnn.tgz", "https://example.org/cudnn.tgz", "0" * 64, "spec")
home, title = "/usr/local/cuda-11.8", {"title": "a step"}
steps = (
    AptRepositoryStep(id="repository", layer="cuda", name="maker", url="https://example.org/repo",
        suite="/", components=(), key_url="https://example.org/key",
        key_fingerprint=fingerprint, **title),
    AptRepositoryStep(id="second", layer="cuda", name="second", url="https://example.org/second",
        suite="/", components=(), key_url="https://example.org/key",
        key_fingerprint=fingerprint, **title),
    HostPackagesStep(id="driver", layer="driver",
        packages=(AptPackage("tar", hold=True),), **title),
    AptPackagesStep(id="cuda", layer="cuda", packages=(AptPackage("sed"),), **title),
    ArchiveStep(id="cudnn", layer="cuda", file=file, to=home, strip=1,
        creates=f"{home}/include/cudnn.h", **title),
    UserStep(id="user-carol", layer="user", name="carol", groups=("video",), **title),
    ServiceStep(id="service-lamp", layer="service", name="lamp.service",
        unit=Path("/usr/local/lamp").read_text(), **title),
    ServiceStep(id="service-bell", layer="service", name="bell.service", **title),
    KernelArgumentsStep(id="kernel-arguments", layer="kernel", arguments=("rig.lamp=on",), **title),
    RebootStep(id="reboot", layer="driver", reason="a module", **title),
    VerifyStep(id="verify", layer="verify", checks=(
        Check("a check", ("cat", "/usr/local/said"), "a\\nb"),), **title),
)
resolution = Resolution("box", "debian 12", "x86_64", "cuda", driver="535.261.03", cuda="11.8.0",
    cudnn="8.5.0.96", cudnn_cuda="11.8")
locked = LockedMachine(resolution)
plan = Plan(rig="box", summary="", machine="box", resolution=resolution, locked=locked,
    requested=(), steps=steps, payload=(), omissions=(), base=BaseImage("debian:12"),
    lock_digest="0" * 64, cuda_home=home)
print(render_json(diagnose(plan, steps, {}, "shell")))
"""
# All is well.
MACHINE = r"""
set -e
mount -t tmpfs none {layer}
for name in etc var home; do
  mkdir {layer}/$name {layer}/$name.work
  mount -t overlay overlay /$name \
    -o lowerdir=/$name,upperdir={layer}/$name,workdir={layer}/$name.work
done
mount -t tmpfs none /proc/driver
mount -t tmpfs none /usr/local
mount -t tmpfs none /run
mkdir -p /proc/driver/nvidia /usr/local/cuda-11.8/bin /usr/local/cuda-11.8/include
cd /usr/local/cuda-11.8
echo 'NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.261.03  Mon Jul 28 08:28:39 UTC 2025
GCC version:  gcc version 12.2.0 (Debian 12.2.0-14+deb12u1)' > /proc/driver/nvidia/version
echo '{{"cuda": {{"name": "CUDA SDK", "version": "11.8.20220929"}}}}' > version.json
printf '#!/bin/sh\necho "Cuda compilation tools, release 11.8, V11.8.89"\n' > bin/nvcc
chmod +x bin/nvcc
printf '#define CUDNN_MAJOR 8\n#define CUDNN_MINOR 5\n#define CUDNN_PATCHLEVEL 0\n' \
  > include/cudnn_version.h
touch include/cudnn.h
apt-mark hold tar >/dev/null
useradd --create-home --groups video carol
printf '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n' > ../lamp
cp ../lamp /etc/systemd/system/lamp.service
cp ../lamp /etc/systemd/system/bell.service
systemctl --quiet enable lamp.service bell.service
echo "$(cat /proc/cmdline) rig.lamp=on" > ../cmdline
mount --bind ../cmdline /proc/cmdline
mkdir -p /var/lib/rig /etc/apt/keyrings
touch -d @1 /var/lib/rig/reboot
printf 'a\nb\n' > ../said
export GNUPGHOME=/usr/local/gnupg
mkdir -m 0700 $GNUPGHOME
gpg --batch --quiet --pinentry-mode loopback --passphrase '' \
  --quick-generate-key maker ed25519 cert 2>/dev/null
gpg --batch --export > /etc/apt/keyrings/maker.gpg
gpg --batch --with-colons --list-keys | sed -n 's/^fpr:*\([0-9A-F]*\):$/\1/p' > ../fingerprint
echo 'deb [signed-by=/etc/apt/keyrings/maker.gpg] https://example.org/repo /' \
  > /etc/apt/sources.list.d/maker.list
cp /etc/apt/keyrings/maker.gpg /etc/apt/keyrings/second.gpg
theirs=/etc/apt/sources.list.d/theirs.list
echo 'deb [signed-by=/etc/apt/keyrings/maker.gpg] https://example.org/second /' > $theirs
echo "# https://example.org/second is configured in $theirs with the same key." \
  > /etc/apt/sources.list.d/second.list
"""
LAMP = "/etc/systemd/system/lamp.service"
FAULTS = {
    "sed -i s/535.261.03/525.60.13/ /proc/driver/nvidia/version": ("kernel module", "loaded"),
    "sed -i s/11.8/11.7/ version.json": ("toolkit", "files"),
    "sed -i s/11.8/12.0/ bin/nvcc": ("toolkit", "compiler"),
    "sed -i 's/MINOR 5/MINOR 6/' include/cudnn_version.h": ("cudnn", "header"),
    "apt-mark unhold tar >/dev/null": ("tar", "hold"),
    "gpasswd --delete carol video >/dev/null": ("carol", "group video"),
    f"echo >> {LAMP}": (LAMP, "sha256"),
    f"chmod 0666 {LAMP}": (LAMP, "mode"),
    "systemctl --quiet disable bell.service": ("bell.service", "enabled"),
    "line=$(sed s/rig.lamp=on/rig.lamp=off/ ../cmdline); echo $line > ../cmdline": (
        "rig.lamp",
        "argument",
    ),
    "touch /var/lib/rig/reboot": ("reboot", "state"),
    "echo b > ../said": ("a check", "check"),
    "echo 'deb https://example.org/other /' > /etc/apt/sources.list.d/maker.list": (
        "maker",
        "source",
    ),
    "rm /etc/apt/sources.list.d/theirs.list": ("second", "source"),
    "gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-generate-key other "
    "ed25519 cert 2>/dev/null; gpg --export other > /etc/apt/keyrings/maker.gpg": ("maker", "key"),
}
LOSSES = {
    "rm -r /proc/driver/nvidia": ("kernel module", "loaded"),
    "rm version.json": ("toolkit", "files"),
    "rm bin/nvcc": ("toolkit", "compiler"),
    "rm include/*": ("cudnn", "header"),
    "true": ("/usr/local/cuda-11.8/include/cudnn.h", "presence"),
    "userdel carol": ("carol", "home"),
    f"rm {LAMP}": (LAMP, "sha256"),
    "line=$(sed s/rig.lamp=on// ../cmdline); echo $line > ../cmdline": ("rig.lamp", "argument"),
    "rm /var/lib/rig/reboot": ("reboot", "state"),
    "> ../said": ("a check", "check"),
    "rm /etc/apt/sources.list.d/maker.list": ("maker", "source"),
    "rm /etc/apt/keyrings/maker.gpg": ("maker", "key"),
}


def differences(folder: Path, *faults: str) -> dict[tuple[str, str], str]:
    """The status of all that is not well on such a machine, after the faults."""
    program = folder / "diagnose.py"
    program.write_text(PROGRAM, encoding="utf-8")
    (folder / "layer").mkdir()
    lines = [MACHINE.format(layer=folder / "layer"), *faults]
    lines.append(f"cd {ROOT}; {sys.executable} -B {program}")
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", "\n".join(lines)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    items = json.loads(done.stdout)["items"]
    return {(i["name"], i["aspect"]): i["status"] for i in items if i["status"] != "ok"}


# No systemd runs here: that is said, and is no fault.
UNSEEN = {(f"{name}.service", "active"): "unknown" for name in ("bell", "lamp")}


def test_doctor_intact_machine_reports_nothing(tmp_path: Path) -> None:
    assert differences(tmp_path) == UNSEEN


def test_doctor_changes_are_reported_as_differs(tmp_path: Path) -> None:
    expected = dict.fromkeys(FAULTS.values(), "differs")
    assert differences(tmp_path, *FAULTS) == UNSEEN | expected


def test_doctor_losses_are_reported_as_missing(tmp_path: Path) -> None:
    expected = dict.fromkeys(LOSSES.values(), "missing")
    found = differences(tmp_path, *LOSSES)
    # Without its file a unit is not enabled either, in this version's words or that one's.
    assert found.pop(("lamp.service", "enabled")) in ("differs", "missing")
    assert found == UNSEEN | expected
