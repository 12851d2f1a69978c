"""The installer with the real dnf and rpm, on signed packages of the test's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.execution.dnf_root import (
    KEPT,
    compile_rig,
    install,
    list_packages,
    make_base,
    run_machine,
    use_repositories,
)
from tests.execution.roots import SystemRoot

pytestmark = pytest.mark.e2e(minutes=5)

_SPEC = """\
rig = 1
name = "box"

[machine.box]
os = "rocky 9"

[system]
packages = ["tool"]
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SystemRoot]:
    """A machine with the installer of a rig that has the package `tool`."""
    base = make_base(KEPT)
    use_repositories(base, monkeypatch)
    monkeypatch.setenv("RIGSPEC_DNF", f"file://{base}")
    with run_machine(tmp_path, base, compile_rig(tmp_path, _SPEC)) as root:
        yield root


def test_dnf_packages_are_installed_once_and_removed(machine: SystemRoot) -> None:
    machine.run("rpm", "-i", "--nodeps", *_list_files(machine, "bash"))

    first = install(machine)
    assert "done     System packages" in first
    assert list_packages(machine) == {"bash 1.0", "lib 2.0", "tool 1.0"}

    again = install(machine)
    assert "doing    System packages" not in again
    assert "doing    Dnf repository" not in again

    assert "remove packages lib tool" in install(machine, "--uninstall")
    assert list_packages(machine) == {"bash 1.0"}
    assert list((machine.path / "etc/yum.repos.d").iterdir()) == []
    assert list((machine.path / "etc/pki/rpm-gpg").iterdir()) == []


def test_dnf_package_that_another_needs_is_not_removed(machine: SystemRoot) -> None:
    install(machine)
    machine.run("bash", "/root/dnf_repository.sh", "foreign", "1.0", "lib")
    machine.run("rpm", "-i", *_list_files(machine, "foreign"))

    output = install(machine, "--uninstall")

    assert "kept package lib: another package depends on it" in output
    assert {"foreign 1.0", "lib 2.0"} <= list_packages(machine)
    assert "tool 1.0" not in list_packages(machine)


def test_dnf_package_of_before_the_rig_is_not_removed(machine: SystemRoot) -> None:
    machine.run(
        *("rpm", "-i", *_list_files(machine, "bash"), *_list_files(machine, "lib")),
        *_list_files(machine, "tool-1.0"),
    )
    install(machine)

    output = install(machine, "--uninstall")

    assert "kept package tool: it was already installed" in output
    assert list_packages(machine) == {"bash 1.0", "lib 2.0", "tool 1.0"}


def test_dnf_packages_that_another_rig_needs_are_not_removed(machine: SystemRoot) -> None:
    folder = machine.path / "root/other"
    shutil.copytree(machine.path / "root/rig", folder)
    installer = folder / "install.sh"
    text = installer.read_text("utf-8")
    installer.write_text(text.replace(" RIG_NAME=box", " RIG_NAME=other"), "utf-8")
    install(machine)
    machine.run("bash", "/root/other/install.sh")

    output = install(machine, "--uninstall")

    assert "kept the packages of system-packages: still needed by other" in output
    assert list_packages(machine) == {"bash 1.0", "lib 2.0", "tool 1.0"}
    machine.run("bash", "/root/other/install.sh", "--uninstall")
    assert list_packages(machine) == set()


def test_dnf_newer_package_is_replaced_by_locked_version(machine: SystemRoot) -> None:
    machine.run("bash", "/root/dnf_repository.sh", "tool", "2.0", "")
    machine.run("rpm", "-i", *_list_files(machine, "tool-2.0"))

    install(machine)

    assert "tool 1.0" in list_packages(machine)


def test_dnf_file_of_other_checksum_is_not_installed(machine: SystemRoot) -> None:
    """The repository has a package of the same name and version, with a valid signature."""
    machine.run("bash", "/root/dnf_repository.sh", "tool", "1.0", "lib")

    output = install(machine, fails=True)

    assert "tool-0:1.0-1.el9.noarch: checksum mismatch" in output
    assert list_packages(machine) == set()


def test_dnf_package_of_other_key_is_not_installed(machine: SystemRoot) -> None:
    key = machine.path / "srv/rocky/RPM-GPG-KEY-Rocky-9"
    key.write_bytes(key.read_bytes() + b"\n")

    output = install(machine, fails=True)

    assert "does not match the lock" in output
    assert list((machine.path / "etc/yum.repos.d").iterdir()) == []


def _list_files(machine: SystemRoot, name: str) -> list[str]:
    """Return the files of a package, as paths of the machine."""
    found = sorted((machine.path / "srv/rocky/9").rglob(f"{name}-*.rpm"))
    return [f"/{path.relative_to(machine.path)}" for path in found]
