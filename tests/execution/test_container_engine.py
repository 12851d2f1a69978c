"""A container engine of the real archive in bare systems, and its access to the GPUs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rigspec.cli.app import app
from rigspec.lock import nvidia_repository
from rigspec.lock.lockfile import read_lock
from rigspec.matrix.model import Release
from tests.execution.conftest import KEPT, layered
from tests.execution.roots import SystemRoot, archives, make_root
from tests.execution.test_nvidia_repository import published
from tests.lock.signed_archive import Keys

SPEC = """
rig = 1
name = "box"

[machine.box]
os = "{os}"
docker = "*"
driver = "none"
gpus = ["RTX 4090"]

[user.alice]
groups = ["docker"]

[mirrors]
apt = "{apt}"
nvidia = "file://{folder}/nvidia"
"""
NAME, VERSION = "nvidia-container-toolkit", "1.20.1-1"
PACKAGES = (
    (NAME, VERSION, f"{NAME}-base (= {VERSION}), libnvidia-container-tools (>= 1.20.1)"),
    (f"{NAME}-base", VERSION, "libc6"),
    ("libnvidia-container-tools", VERSION, f"libnvidia-container1 (>= {VERSION})"),
    ("libnvidia-container1", VERSION, "libc6"),
)
# A program with the arguments and the result of NVIDIA's.
CTK = """\
#!/bin/sh
[ "$*" = "runtime configure --runtime=docker" ] || exit 2
mkdir -p /etc/docker
printf '{"runtimes": {"nvidia": {"path": "nvidia-container-runtime"}}}' >/etc/docker/daemon.json
"""
UNIT = "etc/systemd/system/docker.service.d/nvidia.conf"
CUDA, OWN = "compute/cuda/repos/debian12/x86_64", "libnvidia-container"
SYSTEMS = {
    "bookworm": ("debian 12", CUDA, f"{CUDA}/3bf863cc.pub", "nvidia-cuda", "20.10.24"),
    "trixie": ("debian 13", f"{OWN}/stable/deb/amd64", f"{OWN}/gpgkey", NAME, "26.1.5"),
}


@pytest.fixture
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    made = Keys.made(tmp_path_factory.mktemp("k"))
    yield made
    made.stop()


def trust(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the matrix name this key for both repositories."""

    def resign(find: Callable[..., Release | None]) -> Callable[..., Release | None]:
        def find_resigned(*arguments: object) -> Release | None:
            key = find(*arguments)
            if key is None:
                return None
            figures = {**dict(key.properties), "fingerprint": keys.own}
            return replace(key, properties=tuple(figures.items()))

        return find_resigned

    for name in ("_current_key", "find_container_toolkit_key"):
        monkeypatch.setattr(nvidia_repository, name, resign(getattr(nvidia_repository, name)))


def rigspec(*arguments: object) -> None:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("suite", SYSTEMS)
@pytest.mark.e2e(minutes=2)
def test_installer_of_bare_system_installs_engine_with_gpus_and_nothing_twice(
    suite: str, keys: Keys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system, place, key, repository, version = SYSTEMS[suite]
    trust(keys, monkeypatch)
    published(
        tmp_path / "nvidia",
        keys,
        apart=False,
        packages=PACKAGES,
        place=Path(place),
        key=Path(key),
        programs={f"{NAME}-base": ("usr/bin/nvidia-ctk", CTK)},
    )
    spec, lock, out = tmp_path / "rig.toml", tmp_path / "lock", tmp_path / "out"
    text = SPEC.format(os=system, apt=archives(), folder=tmp_path)
    spec.write_text(text, encoding="utf-8")
    rigspec("lock", spec, "-o", lock)
    (machine,) = read_lock(lock)[0].machines
    assert machine.resolution.docker == version
    assert all(package.sha256 for package in machine.packages)
    pins = {package.name: package for package in machine.packages}
    assert {pins[name].archive for name, _, _ in PACKAGES} == {repository}
    spec.write_text(text.replace(str(tmp_path), "/srv"), encoding="utf-8")
    rigspec("compile", spec, "--lock", lock, "--locked", "--target", "shell", "-o", out)

    (tmp_path / "machine").mkdir()
    with layered(make_root(suite, KEPT), tmp_path / "machine") as root:
        shutil.copytree(tmp_path / "nvidia", root.path / "srv" / "nvidia")
        shutil.copytree(out / "shell", root.path / "root" / "rig")
        root.run("/root/rig/install.sh")
        assert root.run("docker", "--version").stdout.startswith(f"Docker version {version}")
        assert "docker" in root.run("id", "--name", "--groups", "alice").stdout.split()
        held = root.run("apt-mark", "showhold").stdout.split()
        assert set(held) == {name for name, _, _ in PACKAGES}
        check_runtime(root)
        before = root.listing("var/lib/rig", "var/log", "var/cache")
        again = root.run("/root/rig/install.sh")
        assert root.listing("var/lib/rig", "var/log", "var/cache") == before, again.stdout

        root.run("/root/rig/install.sh", "--uninstall")
        assert root.run("docker", "--version", check=False).returncode == 127
        assert not (root.path / UNIT).exists()


def check_runtime(root: SystemRoot) -> None:
    """Run the command before the engine's start, as systemd does."""
    unit = (root.path / UNIT).read_text("utf-8")
    (line,) = (each for each in unit.splitlines() if each.startswith("ExecStartPre="))
    root.run(*line.partition("=")[2].removeprefix("-").split())
    settings = json.loads((root.path / "etc/docker/daemon.json").read_text("utf-8"))
    assert settings["runtimes"]["nvidia"]["path"] == "nvidia-container-runtime"
