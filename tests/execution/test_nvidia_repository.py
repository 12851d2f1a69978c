"""A driver and a toolkit of a flat repository: locked, bundled, installed without a network."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from rigspec.cli.app import app
from rigspec.lock import nvidia_repository
from rigspec.lock.lockfile import read_lock
from rigspec.matrix.loader import load_matrix
from tests.execution.roots import SystemRoot, archives
from tests.execution.test_packages import installed
from tests.installer_plan import adopt_changed_files
from tests.lock.signed_archive import Keys, SignedArchive, package

SPEC = """
rig = 1
name = "box"

[machine.box]
os = "debian 12"
gpus = [{ model = "GTX 1080 Ti" }]
driver = "580.178.04"

[cuda]
toolkit = "12.4"
"""
PLACE = "compute/cuda/repos/debian12/x86_64"

# Packages without files: what is put to the test is where they come from, not what they do.
OLD, NEW = "580.178.04", "580.200.01"
PACKAGES = (
    *(("cuda-drivers", f"{v}-1", f"nvidia-driver (>= {v})") for v in (OLD, NEW)),
    *(("nvidia-driver", f"{v}-1", f"libnvidia-gl (>= {v}), kmod") for v in (OLD, NEW)),
    *(("libnvidia-gl", f"{v}-1", "libc6") for v in (OLD, NEW)),
    ("cuda-toolkit-12-4", "12.4.1-1", "cuda-nvcc-12-4 (>= 12.4.131), bc"),
    ("cuda-nvcc-12-4", "12.4.131-1", "libc6"),
    ("cuda-nvcc-12-4", "12.4.200-1", "libc6"),
)
PINNED = {
    "cuda-drivers": f"{OLD}-1",
    "nvidia-driver": f"{OLD}-1",
    "libnvidia-gl": f"{OLD}-1",
    "cuda-toolkit-12-4": "12.4.1-1",
    "cuda-nvcc-12-4": "12.4.131-1",
}


@pytest.fixture
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    made = Keys.made(tmp_path_factory.mktemp("k"))
    yield made
    made.stop()


def published(
    folder: Path,
    keys: Keys,
    *,
    apart: bool,
    packages: Sequence[tuple[str, str, str]] = PACKAGES,
    place: Path = Path(PLACE),
    key: Path = Path(PLACE, "3bf863cc.pub"),
    programs: Mapping[str, tuple[str, str]] = {},
) -> None:
    """A repository of real packages in a folder, with the file of its key.

    ``programs`` are the path and the text of a script by the package that contains it.
    """
    place = folder / place
    place.mkdir(parents=True)
    paragraphs = []
    for name, version, depends in packages:
        tree = folder / "tree"
        (tree / "DEBIAN").mkdir(parents=True)
        if name in programs:
            path, text = programs[name]
            (tree / path).parent.mkdir(parents=True)
            (tree / path).write_text(text, encoding="utf-8")
            (tree / path).chmod(0o755)
        control = f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nDepends: {depends}\n"
        control += "Maintainer: Test <test@example.org>\nDescription: a test\n"
        (tree / "DEBIAN" / "control").write_text(control, encoding="utf-8")
        file = place / f"{name}_{version}_amd64.deb"
        build = ["dpkg-deb", "--build", "--root-owner-group", tree, file]
        subprocess.run(build, check=True, capture_output=True)
        shutil.rmtree(tree)
        data = file.read_bytes()
        about = {"Filename": f"./{file.name}", "Size": str(len(data)), "Depends": depends}
        sha256 = hashlib.sha256(data).hexdigest()
        paragraphs.append(package(name, version, **about, SHA256=sha256, Description="a test"))
    index = SignedArchive(keys)
    index.publish_flat("", *paragraphs, key=keys.own, apart=apart)
    for name, data in index.files.items():
        (place / name.lstrip("/")).write_bytes(data)
    (folder / key).write_bytes(keys.armored(keys.own))


def rigspec(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.e2e(minutes=1)
def test_bundle_driver_and_toolkit_install_offline(
    apart: bool,
    keys: Keys,
    debian_12: SystemRoot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = nvidia_repository._current_key(load_matrix())
    figures = {**dict(known.properties), "fingerprint": keys.own}
    key = replace(known, properties=tuple(figures.items()))
    monkeypatch.setattr(nvidia_repository, "_current_key", lambda _: key)
    published(tmp_path / "nvidia", keys, apart=apart)
    mirror = archives()
    spec, lock = tmp_path / "rig.toml", tmp_path / "lock"
    mirrors = f'[mirrors]\napt = "{mirror}"\nnvidia = "file://{tmp_path}/nvidia"\n'
    spec.write_text(SPEC + mirrors, encoding="utf-8")
    rigspec("lock", spec, "-o", lock)
    (machine,) = read_lock(lock)[0].machines
    pins = {package.name: package.version for package in machine.packages}
    assert {name: pins[name] for name in PINNED} == PINNED
    assert all(package.sha256 for package in machine.packages)

    output = rigspec(
        "fetch", spec, "--lock", lock, "-o", tmp_path / "bundle", "--at", "file:///srv/b"
    )
    assert 'nvidia = "file:///srv/b/nvidia"\n' in output
    bundled = {path.name for path in (tmp_path / "bundle" / "nvidia" / PLACE).iterdir()}
    assert {name for name in bundled if name.endswith(".deb")} == {
        f"{name}_{version}_amd64.deb" for name, version in PINNED.items()
    }
    spec.write_text(f"{SPEC}\n{output}", encoding="utf-8")
    out = tmp_path / "out"
    rigspec("compile", spec, "--lock", lock, "--locked", "--target", "shell", "-o", out)

    offline = replace(debian_12, network=False)
    (offline.path / "etc/apt/sources.list").unlink(missing_ok=True)
    shutil.copytree(tmp_path / "bundle", offline.path / "srv" / "b")
    shutil.copytree(out / "shell", offline.path / "root" / "rig")
    steps = ("archive", "fetch-tools", "repository-nvidia-cuda", "driver", "cuda")
    before = installed(offline)
    for step in steps:
        offline.run("/root/rig/install.sh", "--step", step)
    after = installed(offline)
    assert {name: after.get(name) for name in pins} == pins
    assert {name for name in after if name not in before} <= pins.keys()
    assert set(offline.run("apt-mark", "showhold").stdout.split()) == PINNED.keys()
    offline.run("/root/rig/install.sh", "--step", "verify")
    for step in steps:
        assert "ok  " in offline.run("/root/rig/install.sh", "--step", step).stdout

    # A package that is not the one that was locked is refused before it is installed.
    offline.run("dpkg", "--purge", "--force-depends", "libnvidia-gl")
    listed = offline.path / "root/rig/files/packages.driver.txt"
    text = listed.read_text(encoding="utf-8")
    checksum = next(x.split()[1] for x in text.splitlines() if x.startswith("libnvidia-gl="))
    listed.write_text(text.replace(checksum, "0" * 64), encoding="utf-8")
    adopt_changed_files(offline.path / "root/rig")
    refused = offline.run("/root/rig/install.sh", "--step", "driver", check=False)
    assert refused.returncode == 1
    output = refused.stdout + refused.stderr
    assert (
        f"libnvidia-gl={OLD}-1: checksum mismatch between the lock and the package index" in output
    )
    assert "libnvidia-gl" not in installed(offline)
