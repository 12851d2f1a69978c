"""Machines that are the Windows Subsystem for Linux: their driver is that of Windows."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.lock.model import LockedMachine
from rigspec.lock.nvidia_repository import list_third_party_packages
from rigspec.matrix.loader import load_matrix
from rigspec.plan.layers.driver import list_driver_omissions
from rigspec.spec.loader import InvalidSpec, parse_spec
from tests.resolve.rigs import check, errors

HEAD = 'rig = 1\nname = "box"\n'


def wsl(lines: str = "", *, rest: str = "") -> str:
    machine = '[machine.box]\nkind = "wsl"\nos = "ubuntu 24.04"\ngpus = ["RTX 3090"]\n'
    return f"{machine}{lines}\n{rest}"


def test_driver_of_windows_is_checked_and_not_installed(tmp_path: Path) -> None:
    rest = '[cuda]\ntoolkit = "12.8"\n'
    report = check(tmp_path, wsl('driver = "576.40"', rest=rest))
    assert report.resolution is not None
    spec = parse_spec("rig.toml", f"{HEAD}{wsl(rest=rest)}")
    locked = LockedMachine(report.resolution)

    assert report.resolution.driver == "576.40"
    assert report.resolution.driver_source == "none"
    assert report.resolution.kernel_modules is None
    names = [p.name for p in list_third_party_packages(spec.rig, report.resolution, load_matrix())]
    assert names == ["cuda-toolkit-12-8"]
    assert list(list_driver_omissions(locked)) == []


def test_driver_of_windows_that_is_too_old_is_a_conflict(tmp_path: Path) -> None:
    rest = '[cuda]\ntoolkit = "12.8"\n'

    assert errors(check(tmp_path, wsl('driver = "512.78"', rest=rest))) == ["RS204"]


def test_free_driver_of_windows_is_unknown(tmp_path: Path) -> None:
    report = check(tmp_path, wsl(rest='[env.lab]\npython = "3.12"\nframeworks = { torch = "*" }\n'))

    assert report.resolution is not None
    assert report.resolution.driver is None
    assert report.resolution.kernel_modules is None


def test_card_before_pascal_has_no_gpu_in_wsl(tmp_path: Path) -> None:
    text = wsl().replace("RTX 3090", "GTX 980")

    (error,) = (d for d in check(tmp_path, text).diagnostics if d.severity.value == "error")
    assert error.code == "RS205"
    assert error.message == "WSL and GTX 980 are incompatible"
    assert "WSL 2 has GPU acceleration on Pascal" in error.facts[0].statement


@pytest.mark.parametrize(
    ("line", "rest", "message"),
    [
        (
            'driver = { version = "576", from = "nvidia" }',
            "",
            "the driver of WSL is that of Windows",
        ),
        (
            'driver = { version = "576", modules = "open" }',
            "",
            "the driver of WSL is that of Windows",
        ),
        ('kernel_args = ["quiet"]', "", "WSL has the kernel of Windows"),
        (
            "",
            '[cuda]\npackages = ["cuda-toolkit-12-8", "cuda-drivers"]\n',
            "installs a Linux driver",
        ),
        ("", '[cuda]\npackages = ["cuda"]\n', "installs a Linux driver"),
        ("", '[cuda]\npackages = ["cuda-12-4"]\n', "installs a Linux driver"),
        ("", '[system]\npackages = ["nvidia-driver-580"]\n', "installs a Linux driver"),
    ],
)
def test_linux_driver_on_wsl_is_refused(line: str, rest: str, message: str) -> None:
    with pytest.raises(InvalidSpec) as caught:
        parse_spec("rig.toml", f"{HEAD}{wsl(line, rest=rest)}")

    (error,) = caught.value.diagnostics
    assert error.code == "RS015"
    assert message in error.message
