"""A workstation on the current releases of Ubuntu, locked from Ubuntu's own archive."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.execution.conftest import KEPT, layered
from tests.execution.roots import CERTIFICATES, SystemRoot, default_mirror, make_root

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]

OPTIONS = ("--components=main,universe", "--include=ca-certificates")
WORKSTATION = """
[system]
packages = ["htop", "nvtop"]
groups = ["lab"]
[env.lab]
interpreter = "system"
frameworks = { jax = "*" }
packages = { jupyterlab = "*" }
[user.ada]
groups = ["lab"]
ssh_keys = ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPVmvq1CFXrPoxRwqbJ3zvBvZ0cPqhzT2pQ6m2Zg8s9T a"]
[service.ssh]
port = 2222
[service.ssh.fail2ban]
[service.jupyter]
env = "lab"
tls = {}
[service.tmux.work]
env = "lab"
windows = [{ name = "one", panes = ["htop"] }]
[service.monitoring]
exporters = ["node"]
prometheus = {}
"""
SERVICES = ("fail2ban", "prometheus", "prometheus-node-exporter")


@dataclass(frozen=True)
class Installer:
    """An installer of a rig on one release, and the packages of its lock by name."""

    folder: Path
    versions: dict[str, str]


@pytest.fixture
def compile_rig(
    rigspec: Rigspec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], Installer]:
    """A function that locks and compiles a rig, without naming an archive."""
    monkeypatch.delenv("RIGSPEC_APT_UBUNTU")
    spec, lock, out = tmp_path / "rig.toml", tmp_path / "lock", tmp_path / "out"

    def compile_rig(os: str, tables: str) -> Installer:
        machine = f'rig = 1\nname = "tower"\n[machine.tower]\nos = "{os}"\n'
        spec.write_text(machine + tables, encoding="utf-8")
        locked = rigspec("lock", spec, "-o", lock)
        assert locked.returncode == 0, locked.stderr
        assert "not pinned: packages" not in locked.stderr
        done = rigspec("compile", spec, "--lock", lock, "--locked", "--target", "shell", "-o", out)
        assert done.returncode == 0, done.stderr
        lists = (out / "shell" / "files").glob("packages.*.txt")
        lines = [line for file in lists for line in file.read_text("utf-8").splitlines()]
        return Installer(
            out / "shell",
            dict(line.split()[0].split("=", 1) for line in lines if "=" in line),
        )

    return compile_rig


def install_twice(root: SystemRoot, suite: str, installer: Installer) -> str:
    """Install with the sources of an installed system; return the output of the second run."""
    mirror = default_mirror(suite)
    components = "main restricted universe multiverse"
    sources = "".join(
        f"deb {mirror} {suite}{part} {components}\n" for part in ("", "-updates", "-security")
    )
    (root.path / "etc/apt/sources.list").write_text(sources, encoding="utf-8")
    shutil.copytree(installer.folder, root.path / "root" / "rig")
    steered = ("env", f"PIP_CERT={CERTIFICATES}", f"SSL_CERT_FILE={CERTIFICATES}")
    root.run(*steered, "/root/rig/install.sh")
    return root.run(*steered, "/root/rig/install.sh").stdout


def list_versions(root: SystemRoot) -> dict[str, str]:
    output = root.run("dpkg-query", "-W", "-f=${Package} ${Version}\\n").stdout
    return dict(line.split(" ") for line in output.splitlines())


@pytest.mark.e2e(minutes=4)
@pytest.mark.parametrize(("os", "suite"), [("ubuntu 24.04", "noble"), ("ubuntu 26.04", "resolute")])
def test_workstation_installs_locked_packages_and_imports_its_framework(
    os: str, suite: str, compile_rig: Callable[[str, str], Installer], tmp_path: Path
) -> None:
    installer = compile_rig(os, WORKSTATION)
    with layered(make_root(suite, KEPT, *OPTIONS), tmp_path) as root:
        second = install_twice(root, suite, installer)
        assert second.count("doing") == 1  # Verification alone.
        versions = list_versions(root)
        assert {name: versions.get(name) for name in installer.versions} == installer.versions
        program = "import jax.numpy as jnp; print(float(jnp.array([1., 2.]).sum()))"
        assert root.run("/opt/rig/envs/lab/bin/python", "-c", program).stdout == "3.0\n"
        root.run("mkdir", "-p", "/run/sshd")
        assert "port 2222\n" in root.run("/usr/sbin/sshd", "-T").stdout
        links = root.path / "etc/systemd/system/multi-user.target.wants"
        assert {f"{service}.service" for service in SERVICES} <= {
            each.name for each in links.iterdir()
        }


@pytest.mark.nightly
@pytest.mark.e2e(minutes=3)
def test_driver_of_the_distribution_is_the_branch_of_the_lock(
    compile_rig: Callable[[str, str], Installer], tmp_path: Path
) -> None:
    tables = 'gpus = ["RTX 4090"]\ndriver = { version = "*", from = "distribution" }\n'
    installer = compile_rig("ubuntu 24.04", tables)
    with layered(make_root("noble", KEPT, *OPTIONS), tmp_path) as root:
        second = install_twice(root, "noble", installer)
        assert "ok       NVIDIA driver" in second
        versions = list_versions(root)
        assert {name: versions.get(name) for name in installer.versions} == installer.versions
        (driver,) = (name for name in installer.versions if name.startswith("nvidia-headless-"))
        assert driver.endswith("-open")
