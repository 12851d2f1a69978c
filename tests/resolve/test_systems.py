"""Systems with a table, with a known C library only, and without either."""

from __future__ import annotations

from pathlib import Path

import pytest

from rigspec.diagnostics.model import Report
from rigspec.lock.artifacts import find_release
from rigspec.lock.nvidia_repository import list_repositories
from rigspec.matrix.loader import load_matrix
from rigspec.spec.loader import InvalidSpec, parse_spec
from tests.resolve.rigs import check, errors

# vllm 0.20.0 has wheels for glibc 2.35 or newer.
VLLM = '[env.lab]\npython = "3.12"\npackages = { vllm = "0.20.0" }\n'


def system(os: str, lines: str = "") -> str:
    return f'[machine.box]\nos = "{os}"\n{lines}\n'


def not_checked(report: Report) -> str:
    return " ".join(d.message for d in report.diagnostics if d.code == "RS252")


@pytest.mark.parametrize(
    ("written", "label", "glibc"),
    [
        ("fedora 36", "fedora 36", "2.35"),
        ("Fedora Linux 36 (Workstation Edition)", "fedora 36", "2.35"),
        ("opensuse-leap 15.6", "opensuse-leap 15.6", "2.38"),
        ("openSUSE Leap 15.4", "opensuse-leap 15.4", "2.31"),
        ("AlmaLinux 9.4", "almalinux 9", "2.34"),
        ("alma 8", "almalinux 8", "2.28"),
        ("Amazon Linux 2023", "amazon 2023", "2.34"),
        ("amzn 2", "amazon 2", "2.26"),
        ("ol 8", "oracle 8", "2.28"),
        ("Oracle Linux 9", "oracle 9", "2.34"),
        ("Rocky Linux 10", "rocky 10", "2.39"),
        ("centos 8", "centos 8", "2.28"),
        ("CentOS Stream 9", "centos-stream 9", "2.34"),
        ("Red Hat Enterprise Linux 8.6", "rhel 8", "2.28"),
        ("Debian GNU/Linux 12 (bookworm)", "debian 12", "2.36"),
        ("ubuntu 25.10", "ubuntu 25.10", "2.42"),
        ("Ubuntu 23.04", "ubuntu 23.04", "2.37"),
    ],
)
def test_system_with_known_c_library_is_resolved(
    written: str, label: str, glibc: str, tmp_path: Path
) -> None:
    report = check(tmp_path, system(written))

    assert report.resolution is not None, errors(report)
    assert (report.resolution.os, report.resolution.glibc) == (label, glibc)


@pytest.mark.parametrize(
    ("written", "label"),
    [
        ("alinux 3", "alinux 3"),
        ("Arch Linux", "arch rolling"),
        ("opensuse tumbleweed", "opensuse-tumbleweed rolling"),
        ("fedora rawhide", "fedora-rawhide rolling"),
        ("NixOS 24.05", "nixos 24.05"),
        ("fedora 51", "fedora 51"),
        ("centos 6", "centos 6"),
        ("ubuntu 29.04", "ubuntu 29.04"),
    ],
)
def test_system_without_table_is_unverified(written: str, label: str, tmp_path: Path) -> None:
    report = check(tmp_path, system(written, 'driver = "580.65.06"') + VLLM)

    assert report.resolution is not None, errors(report)
    assert (report.resolution.os, report.resolution.glibc) == (label, None)
    assert label.removesuffix(" rolling") in not_checked(report)


@pytest.mark.parametrize(("glibc", "expected"), [("2.28", ["RS211"]), ("2.36", [])])
def test_declared_c_library_is_checked(glibc: str, expected: list[str], tmp_path: Path) -> None:
    report = check(tmp_path, system("nixos 24.05", f'glibc = "{glibc}"') + VLLM)

    assert errors(report) == expected


def test_c_library_other_than_that_of_the_system_is_a_conflict(tmp_path: Path) -> None:
    report = check(tmp_path, system("ubuntu 22.04", 'glibc = "2.31"'))

    (error,) = (d for d in report.diagnostics if d.severity.value == "error")
    assert {"os", "glibc"} <= set(error.components)


def test_declared_compiler_of_system_without_table_is_checked(tmp_path: Path) -> None:
    rig = system("opensuse tumbleweed", 'gcc = "14"') + '[cuda]\ntoolkit = "12.0"\n'

    (error,) = (d for d in check(tmp_path, rig).diagnostics if d.severity.value == "error")
    assert {"gcc", "cuda"} <= set(error.components)


@pytest.mark.parametrize("os", ["fedora 36", "alinux 3", "ubuntu 25.04"])
def test_interpreter_of_system_with_unknown_python_is_from_uv(os: str, tmp_path: Path) -> None:
    report = check(tmp_path, system(os) + '[env.lab]\npython = "3.12"\n')

    assert report.resolution is not None
    assert report.resolution.envs[0].interpreter == "uv"


def test_free_system_is_never_one_without_full_table(tmp_path: Path) -> None:
    # Ubuntu 23.04 and Fedora 38 have it.
    rig = '[machine.box]\nglibc = "2.37"\n'

    assert errors(check(tmp_path, rig)) != []


def test_range_of_systems_means_those_with_full_table(tmp_path: Path) -> None:
    report = check(tmp_path, system("ubuntu >=22.04,<25.10"))

    assert report.resolution is not None
    assert report.resolution.os == "ubuntu 24.04"


@pytest.mark.parametrize(
    ("os", "message", "help_text"),
    [
        ("ubunut 22.04", "unknown operating system `ubunut`", "similar names: ubuntu"),
        (
            "windows 11",
            "`windows 11` is not a Linux system (Windows): rigspec installs on Linux only",
            'kind = "wsl"',
        ),
        (
            "macos 14",
            "`macos 14` is not a Linux system (macOS): rigspec installs on Linux only",
            "name the Linux system",
        ),
    ],
)
def test_unknown_system_is_refused(os: str, message: str, help_text: str, tmp_path: Path) -> None:
    (error,) = check(tmp_path, system(os)).diagnostics

    assert error.code == "RS009"
    assert error.message == message
    assert help_text in " ".join(error.help)


def test_declared_c_library_must_be_a_version() -> None:
    with pytest.raises(InvalidSpec):
        parse_spec("rig.toml", 'rig = 1\nname = "box"\n[machine.box]\nglibc = "musl"\n')


@pytest.mark.parametrize("os", ["alinux 3", "ubuntu 25.04"])
def test_lock_of_system_without_table_has_no_repository(os: str, tmp_path: Path) -> None:
    text = system(os) + '[cuda]\ntoolkit = "12.8"\nprovider = "runfile"\n'
    report = check(tmp_path, text)
    assert report.resolution is not None
    matrix = load_matrix()

    assert list(list_repositories(report.resolution, matrix)) == []
    assert find_release(matrix, "os", report.resolution.os).label == os


def test_ended_system_without_apt_has_no_advice_about_apt(tmp_path: Path) -> None:
    (warning,) = (d for d in check(tmp_path, system("fedora 36")).diagnostics if d.code == "RS301")

    assert warning.help == ("use a container with a supported OS",)
