"""The installer with the real dnf and rpm, on signed packages of the test's own.

They run in a Debian system that calls itself Rocky Linux: its own packages are not those of rpm.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock
from typer.testing import CliRunner

from rigspec.cli.app import app
from rigspec.lock import create
from rigspec.lock.dnf.distribution import DnfDistribution, find_dnf_distribution
from rigspec.matrix.loader import load_matrix
from tests.execution.conftest import KEPT, layered
from tests.execution.roots import SystemRoot, make_root

pytestmark = pytest.mark.e2e(minutes=5)

_SCRIPT = Path(__file__).with_name("dnf_repository.sh")
_TOOLS = ("createrepo-c", "curl", "dnf", "gnupg", "rpm")
_SPEC = """\
rig = 1
name = "box"

[machine.box]
os = "rocky 9"

[system]
packages = ["tool"]
"""


def make_base(cache: Path) -> Path:
    """Debian 12 with dnf, that calls itself Rocky Linux 9, and the repositories in /srv."""
    kept = cache / "bookworm-dnf"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / ".bookworm-dnf.lock"):
        if not (kept / "srv/fingerprint").exists():
            _make_base(cache).rename(kept)
    return kept


def _make_base(cache: Path) -> Path:
    staged = cache / ".bookworm-dnf.partial"
    shutil.rmtree(staged, ignore_errors=True)
    subprocess.run(["cp", "-a", make_root("bookworm", cache), staged], check=True)
    root = SystemRoot(staged)
    apt = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq")
    root.run(*apt, "update")
    root.run(*apt, "install", "--yes", "--no-install-recommends", *_TOOLS)
    (staged / "etc/os-release").unlink()
    release = 'ID="rocky"\nVERSION_ID="9.6"\nPLATFORM_ID="platform:el9"\n'
    (staged / "etc/os-release").write_text(release, encoding="utf-8")
    for folder in ("etc/yum.repos.d", "etc/pki/rpm-gpg"):
        (staged / folder).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_SCRIPT, staged / "root/dnf_repository.sh")
    root.run("bash", "/root/dnf_repository.sh")
    return staged


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SystemRoot]:
    """A machine with the installer of a rig that has the package `tool`."""
    base = make_base(KEPT)
    fingerprint = (base / "srv/fingerprint").read_text(encoding="utf-8").strip()

    def find(*_: object) -> DnfDistribution:
        known = find_dnf_distribution(load_matrix(), "rocky 9", "x86_64")
        assert known is not None
        place = ("https://dl.rockylinux.org/pub", "file:///srv")
        repositories = tuple(
            replace(
                each,
                url=each.url.replace(*place),
                key_url=each.key_url.replace(*place),
                key_fingerprint=fingerprint,
            )
            for each in known.repositories
        )
        return replace(known, repositories=repositories)

    monkeypatch.setattr(create, "find_dnf_distribution", find)
    monkeypatch.setenv("RIGSPEC_DNF", f"file://{base}")
    spec, lock, out = (str(tmp_path / name) for name in ("rig.toml", "lock", "out"))
    Path(spec).write_text(_SPEC, encoding="utf-8")
    for command in (
        ("lock", spec, "-o", lock),
        ("compile", spec, "--lock", lock, "-o", out, "--target", "shell"),
    ):
        done = CliRunner().invoke(app, list(command))
        assert done.exit_code == 0, done.output
    (tmp_path / "machine").mkdir()
    with layered(base, tmp_path / "machine") as root:
        shutil.copyfile(_SCRIPT, root.path / "root/dnf_repository.sh")
        shutil.copytree(tmp_path / "out/shell", root.path / "root/rig")
        yield root


def install(machine: SystemRoot, *options: str, fails: bool = False) -> str:
    done = machine.run("bash", "/root/rig/install.sh", *options, check=False)
    output: str = done.stdout + done.stderr
    assert (done.returncode != 0) is fails, output
    return output


def list_packages(machine: SystemRoot) -> set[str]:
    """Return the installed packages of rpm, without the keys."""
    listed = machine.run("rpm", "-qa", "--qf", "%{NAME} %{VERSION}\\n").stdout.splitlines()
    return {line for line in listed if not line.startswith("gpg-pubkey")}


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
