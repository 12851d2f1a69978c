"""The program of the driver's container, run beside a host that is made up of files.

No kernel takes a module in the tests: what is put to the test is what comes before and after, and
that the module is built for a kernel of Debian's.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT
from tests.containers import Buildah
from tests.execution.conftest import KEPT
from tests.execution.roots import make_root

CONF = 'PACKAGE_NAME="nvidia-current"\nPACKAGE_VERSION="535.309.01"\n'


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("compiled")
    command = ["compile", "specs/driver-in-container.toml", "--target", "docker", "--locked"]
    done = subprocess.run(
        [sys.executable, "-m", "rigspec", *command, "-o", out],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out / "docker"


class Host:
    """What the container sees of its host, and the source of the module in its own image."""

    def __init__(self, folder: Path, program: Path) -> None:
        self.folder, self.program = folder, program
        self.write("src/nvidia-current-535.309.01/dkms.conf", CONF)
        for name in ("sys", "proc", "dev"):
            (folder / name).mkdir()

    def write(self, path: str, text: str | bytes) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    def serve(self) -> subprocess.CompletedProcess[str]:
        script = 'mount --bind "$1/src" /usr/src && exec timeout 3 "$2" serve'
        names = {name.upper(): str(self.folder / name) for name in ("sys", "proc", "dev")}
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", script, "sh", self.folder, self.program],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "KERNEL": "0.0-none", **names},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def host(tmp_path: Path, compiled: Path) -> Host:
    return Host(tmp_path, compiled / "driver" / "rig-driver")


def test_rig_driver_other_host_driver_is_refused(host: Host) -> None:
    host.write("sys/module/nvidia/version", "470.256.02\n")
    done = host.serve()
    assert done.returncode == 1
    assert "has loaded NVIDIA driver 470.256.02, but this image has 535.309.01" in done.stderr


def test_rig_driver_nouveau_is_refused(host: Host) -> None:
    (host.folder / "sys/module/nouveau").mkdir(parents=True)
    done = host.serve()
    assert done.returncode == 1
    assert "the GPU is in use by nouveau" in done.stderr


def test_rig_driver_secure_boot_is_refused_before_build(host: Host) -> None:
    variable = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    host.write(variable, b"\x06\x00\x00\x00\x01")
    done = host.serve()
    assert done.returncode == 1
    assert "Secure Boot is enabled" in done.stderr
    assert "building" not in done.stdout


def test_rig_driver_loaded_driver_creates_device_nodes(host: Host) -> None:
    host.write("sys/module/nvidia/version", "535.309.01\n")
    host.write("proc/devices", "Character devices:\n195 nvidia-frontend\n511 nvidia-uvm\n")
    for card in ("0000:01:00.0", "0000:02:00.0"):
        (host.folder / "proc/driver/nvidia/gpus" / card).mkdir(parents=True)
    done = host.serve()
    assert "driver 535.309.01 is loaded" in done.stdout
    # It waited until it was told to stop.
    assert done.returncode == 124
    found = {node.name: node.stat() for node in (host.folder / "dev").iterdir()}
    numbers = {
        name: (os.major(node.st_rdev), os.minor(node.st_rdev)) for name, node in found.items()
    }
    assert numbers.keys() == {"nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools"}
    assert all(stat.S_ISCHR(node.st_mode) for node in found.values())
    assert numbers["nvidiactl"] == (195, 255)
    assert numbers["nvidia1"] == (195, 1)


def test_compose_only_driver_container_is_privileged(compiled: Path) -> None:
    result = subprocess.run(
        ["docker-compose", "--file", compiled / "compose.yaml", "config"],
        capture_output=True,
        text=True,
        check=True,
    )
    services = yaml.safe_load(result.stdout)["services"]
    assert [name for name, each in services.items() if each.get("privileged")] == ["rig.driver"]
    assert source_of_device(services["alice"]["devices"][-1]) == "/dev/nvidia0"
    assert source_of_device(services["bob"]["devices"][-1]) == "/dev/nvidia1"
    pins = {
        name: (compiled / "files" / f"packages.{name}.txt").read_text(encoding="utf-8")
        for name in ("driver", "driver-libraries")
    }
    version = "535.309.01-0+deb12u1"
    assert f"nvidia-kernel-dkms={version} " in pins["driver"]
    assert f"libcuda1={version} " in pins["driver-libraries"]


HEADERS = """
apt-get -qq update >&2
apt-cache depends linux-headers-amd64 | sed -n 's/.*Depends: linux-headers-//p' | head -n 1
"""
BUILT = """
find /var/lib/dkms -name '*.ko*' | while read -r file; do
  kernel=$(modinfo -F vermagic "$file" | cut -d ' ' -f 1)
  echo "$(basename "$file") $kernel $(modinfo -F version "$file")"
done
"""


@pytest.mark.nightly
@pytest.mark.e2e(minutes=8)
def test_rig_driver_builds_locked_kernel_module(compiled: Path, tmp_path: Path) -> None:
    """From the distribution's non-free component, which the image enables, for its kernel."""
    buildah = Buildah(tmp_path / "store")
    buildah.image("localhost/debian:12", make_root("bookworm", KEPT))
    options = ("--format", "docker", "--layers=false", "--network=host")
    base = ("--build-arg", "BASE=localhost/debian:12", "--file", "driver/Dockerfile")
    buildah("build", *options, *base, "--tag", "localhost/driver", ".", cwd=compiled)
    container = buildah("from", "--pull-never", "localhost/driver")
    try:
        kernel = buildah("run", container, "--", "sh", "-c", HEADERS)
        assert kernel.endswith("-amd64")
        command = ("--", "/usr/local/bin/rig-driver", "build")
        output = buildah("run", "--env", f"KERNEL={kernel}", container, *command)
        assert f"building nvidia-current 535.309.01 for the kernel {kernel}" in output
        built = buildah("run", container, "--", "sh", "-c", BUILT).splitlines()
        for name in ("nvidia-current", "nvidia-current-uvm"):
            assert f"{name}.ko {kernel} 535.309.01" in built
    finally:
        buildah("rm", "--all")


def source_of_device(device: str | dict[str, str]) -> str:
    """Return the path on the host, which docker-compose prints in either of two forms."""
    return device.partition(":")[0] if isinstance(device, str) else device["source"]
