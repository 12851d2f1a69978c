"""A machine that calls itself Rocky Linux 9, with dnf and signed repositories of the test's own.

It is a Debian system: its own packages are not those of rpm.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock
from typer.testing import CliRunner

from rigspec.cli.app import app
from rigspec.lock import create
from rigspec.lock.dnf.distribution import DnfDistribution, find_dnf_distribution
from rigspec.lock.model import LockedRepository
from rigspec.lock.nvidia_repository import list_repositories
from rigspec.matrix.loader import load_matrix
from rigspec.matrix.model import Matrix
from rigspec.resolution import Resolution
from tests.execution.conftest import KEPT, layered
from tests.execution.roots import SystemRoot, make_root

SCRIPT = Path(__file__).with_name("dnf_repository.sh")
_TOOLS = ("createrepo-c", "curl", "dnf", "dnf-plugins-core", "gnupg", "rpm")
_PLACES = (
    "https://dl.rockylinux.org/pub",
    "https://dl.fedoraproject.org",
    "https://developer.download.nvidia.com",
)


def make_base(cache: Path) -> Path:
    """Debian 12 with dnf, that calls itself Rocky Linux 9, and the repositories in /srv."""
    kept = cache / "bookworm-dnf-driver"
    cache.mkdir(parents=True, exist_ok=True)
    with FileLock(cache / ".bookworm-dnf-driver.lock"):
        if not (kept / "srv/fingerprint").exists():
            _make_base(cache).rename(kept)
    return kept


def _make_base(cache: Path) -> Path:
    staged = cache / ".bookworm-dnf-driver.partial"
    shutil.rmtree(staged, ignore_errors=True)
    subprocess.run(["cp", "-a", make_root("bookworm", cache), staged], check=True)
    root = SystemRoot(staged)
    apt = ("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq")
    root.run(*apt, "update")
    root.run(*apt, "install", "--yes", "--no-install-recommends", *_TOOLS)
    (staged / "etc/os-release").unlink()
    release = 'ID="rocky"\nVERSION_ID="9.6"\nPLATFORM_ID="platform:el9"\n'
    (staged / "etc/os-release").write_text(release, encoding="utf-8")
    # Its repository of downloaded packages does not work in this root.
    (staged / "etc/dnf/plugins/local.conf").write_text("[main]\nenabled = false\n")
    for folder in ("etc/yum.repos.d", "etc/pki/rpm-gpg"):
        (staged / folder).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SCRIPT, staged / "root/dnf_repository.sh")
    root.run("bash", "/root/dnf_repository.sh")
    return staged


def use_repositories(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the addresses and keys of all repositories by those of the machine."""
    fingerprint = (base / "srv/fingerprint").read_text(encoding="utf-8").strip()

    def move(each: LockedRepository) -> LockedRepository:
        url, key_url = each.url, each.key_url
        for place in _PLACES:
            url, key_url = url.replace(place, "file:///srv"), key_url.replace(place, "file:///srv")
        return replace(each, url=url, key_url=key_url, key_fingerprint=fingerprint)

    def find(*_: object) -> DnfDistribution:
        known = find_dnf_distribution(load_matrix(), "rocky 9", "x86_64")
        assert known is not None
        return replace(
            known,
            repositories=tuple(map(move, known.repositories)),
            driver_repositories=tuple(map(move, known.driver_repositories)),
        )

    def list_moved(resolution: Resolution, matrix: Matrix) -> Iterator[LockedRepository]:
        yield from map(move, list_repositories(resolution, matrix))

    monkeypatch.setattr(create, "find_dnf_distribution", find)
    monkeypatch.setattr(create, "list_repositories", list_moved)


def compile_rig(folder: Path, text: str) -> Path:
    """Return the folder of the installer of a rig."""
    spec, lock, out = (str(folder / name) for name in ("rig.toml", "lock", "out"))
    Path(spec).write_text(text, encoding="utf-8")
    for command in (
        ("lock", spec, "-o", lock),
        ("compile", spec, "--lock", lock, "-o", out, "--target", "shell"),
    ):
        done = CliRunner().invoke(app, list(command))
        assert done.exit_code == 0, done.output
    return folder / "out/shell"


@contextmanager
def run_machine(folder: Path, base: Path, installer: Path) -> Iterator[SystemRoot]:
    """Yield a new machine with an installer in /root/rig."""
    (folder / "machine").mkdir()
    with layered(base, folder / "machine") as root:
        shutil.copyfile(SCRIPT, root.path / "root/dnf_repository.sh")
        shutil.copytree(installer, root.path / "root/rig")
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


__all__ = ["KEPT", "compile_rig", "install", "list_packages", "make_base", "run_machine"]
