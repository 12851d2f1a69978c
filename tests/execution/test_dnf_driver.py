"""A driver and a toolkit by the real dnf, from repositories with the layout of NVIDIA's and EPEL.

The packages have the names, epochs and needs of NVIDIA's. The modules of a kernel are not built.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.lock.lockfile import read_lock
from tests.execution.dnf_root import (
    KEPT,
    compile_rig,
    install,
    list_packages,
    make_base,
    run_machine,
    use_repositories,
)

pytestmark = pytest.mark.e2e(minutes=5)

_SPEC = """\
rig = 1
name = "box"

[machine.box]
os = "rocky 9"
gpus = ["RTX 4090"]
driver = {{ version = "{driver}", modules = "{modules}" }}

[cuda]
toolkit = "12.9.1"
"""
_LIST = "etc/dnf/plugins/versionlock.list"


@pytest.fixture
def base(monkeypatch: pytest.MonkeyPatch) -> Path:
    found = make_base(KEPT)
    use_repositories(found, monkeypatch)
    for variable in ("RIGSPEC_DNF", "RIGSPEC_NVIDIA"):
        monkeypatch.setenv(variable, f"file://{found}")
    return found


def test_dnf_driver_is_installed_held_and_removed(tmp_path: Path, base: Path) -> None:
    installer = compile_rig(tmp_path, _SPEC.format(driver="580.95.05", modules="open"))

    with run_machine(tmp_path, base, installer) as machine:
        held_before = (machine.path / _LIST).read_text() if (machine.path / _LIST).exists() else ""
        before = list_packages(machine)
        output = install(machine)

        found = list_packages(machine)
        assert "doing    NVIDIA driver 580.95.05" in output
        assert {
            *(
                "nvidia-open 580.95.05",
                "kmod-nvidia-open-dkms 580.95.05",
                "nvidia-driver 580.95.05",
            ),
            *("nvidia-kmod-common 580.95.05", "dkms 3.2.0", "ocl-icd 1.0"),
            *("cuda-toolkit-12-9 12.9.1", "cuda-nvcc-12-9 12.9.86"),
        } <= found
        held = (machine.path / _LIST).read_text(encoding="utf-8")
        assert "kmod-nvidia-open-dkms-3:580.95.05-1.el9.*\n" in held
        assert "cuda-toolkit-12-9-0:12.9.1-1.*\n" in held
        assert "dkms-0:3.2.0" not in held

        machine.run("dnf", "--assumeyes", "upgrade")
        assert list_packages(machine) == found
        assert "doing    NVIDIA driver" not in install(machine)

        install(machine, "--uninstall")
        assert list_packages(machine) == before
        assert "nvidia" not in (machine.path / _LIST).read_text().replace(held_before, "")
        assert list((machine.path / "etc/yum.repos.d").iterdir()) == []


def test_dnf_driver_of_another_branch_replaces_the_held_one(tmp_path: Path, base: Path) -> None:
    first = compile_rig(tmp_path, _SPEC.format(driver="580.95.05", modules="proprietary"))

    with run_machine(tmp_path, base, first) as machine:
        install(machine)
        assert "kmod-nvidia-latest-dkms 580.95.05" in list_packages(machine)

        (tmp_path / "next").mkdir()
        machine.run("rm", "-rf", "/root/rig")
        second = compile_rig(tmp_path / "next", _SPEC.format(driver="620.70.06", modules="open"))
        machine.run("mkdir", "/root/rig")
        for file in second.rglob("*"):
            target = machine.path / "root/rig" / file.relative_to(second)
            target.mkdir(exist_ok=True) if file.is_dir() else target.write_bytes(file.read_bytes())
        install(machine, "--allow-removals")

        found = list_packages(machine)
        assert {"nvidia-open 620.70.06", "kmod-nvidia-open-dkms 620.70.06"} <= found
        held = (machine.path / _LIST).read_text(encoding="utf-8")
        assert "nvidia-driver-3:620.70.06-1.el9.*\n" in held
        assert "nvidia-driver-3:580" not in held


def test_dnf_driver_without_index_is_installed_at_its_version(
    tmp_path: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock has neither checksum nor release; the key is verified by its fingerprint."""
    for variable in ("RIGSPEC_DNF", "RIGSPEC_NVIDIA"):
        monkeypatch.setenv(variable, "")
    installer = compile_rig(tmp_path, _SPEC.format(driver="580.95.05", modules="open"))
    lock, _ = read_lock(tmp_path / "lock")
    assert {item.what for item in lock.machines[0].unpinned} >= {
        "packages of the system",
        "packages of the repository nvidia-cuda",
    }

    with run_machine(tmp_path, base, installer) as machine:
        # The system's own repositories, which Rocky Linux has.
        for name in ("BaseOS", "AppStream"):
            text = f"[{name}]\nname={name}\nbaseurl=file:///srv/rocky/9/{name}/x86_64/os\n"
            text += "gpgcheck=1\ngpgkey=file:///srv/rocky/RPM-GPG-KEY-Rocky-9\n"
            (machine.path / f"etc/yum.repos.d/{name}.repo").write_text(text, encoding="utf-8")
        install(machine)

        found = list_packages(machine)
        assert {"nvidia-open 580.95.05", "kmod-nvidia-open-dkms 580.95.05"} <= found
        assert "cuda-toolkit-12-9 12.9.1" in found
        assert "doing    NVIDIA driver" not in install(machine)

        install(machine, "--uninstall")
        assert not any("nvidia" in package for package in list_packages(machine))
