"""What the tests of locks share: a builder of images, a registry, a signed archive."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rigspec.lock import nvidia_repository
from rigspec.lock.apt import packages
from rigspec.lock.apt.distribution import Distribution, Suite
from rigspec.matrix.loader import load_matrix
from tests.conftest import ROOT
from tests.containers import Buildah, local_registry
from tests.lock.apt_rig import Box
from tests.lock.nvidia_box import NvidiaBox
from tests.lock.signed_archive import BASE, Keys, SignedArchive, package

SUITES = ("bookworm", "bookworm-updates", "bookworm-security")


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    subprocess.run([ROOT / "scripts" / "install-test-tools"], check=True)
    made = Keys.made(tmp_path_factory.mktemp("k"))
    yield made
    made.stop()


@pytest.fixture
def archive(keys: Keys) -> Iterator[SignedArchive]:
    """An archive with its three suites, `tool` and what it needs."""
    made = SignedArchive(keys)
    made.publish("bookworm", *BASE, package("tool", Depends="lib"), package("lib"))
    made.publish("bookworm-updates")
    made.publish("bookworm-security", archive="debian-security")
    server = made.serve()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def distribution(archive: SignedArchive) -> Distribution:
    """The release that the archive has."""
    return Distribution(
        name="debian",
        release="12",
        origin="Test",
        suites=tuple(
            Suite("debian-security" if "security" in suite else "debian", suite) for suite in SUITES
        ),
        components=("main", "contrib"),
        architecture="amd64",
        urls=(),
        keyring=str(archive.keys.keyring),
        keys=frozenset({archive.keys.own}),
        codenames=frozenset({"bookworm"}),
        snapshots_since="2005-06",
        promise="updates until 2028-06-30",
        driver_packages=("nvidia-driver",),
        cuda_packages=("nvidia-cuda-toolkit",),
    )


@pytest.fixture
def box(
    archive: SignedArchive,
    distribution: Distribution,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Box:
    monkeypatch.setattr(packages, "find_distribution", lambda *_: distribution)
    return Box(tmp_path, archive).asks("tool")


@pytest.fixture
def nvidia(box: Box, monkeypatch: pytest.MonkeyPatch) -> NvidiaBox:
    """The box with a driver and a toolkit of a repository that another key signs."""
    known = nvidia_repository._current_key(load_matrix())
    figures = {**dict(known.properties), "fingerprint": box.archive.keys.other}
    key = replace(known, properties=tuple(figures.items()))
    monkeypatch.setattr(nvidia_repository, "_current_key", lambda _: key)
    return NvidiaBox.made(box.folder, box.archive)


@pytest.fixture(scope="session")
def container_tools() -> None:
    """What is missing is installed, or the test fails."""
    subprocess.run([ROOT / "scripts" / "install-test-tools"], check=True)


@pytest.fixture(scope="session")
def buildah(container_tools: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Buildah]:
    """With images `one`, `two` and `arm`, and the index `both` of the first and the last."""
    folder = tmp_path_factory.mktemp("images")
    tool = Buildah(folder / "store")
    for name, arch in (("one", "amd64"), ("two", "amd64"), ("arm", "arm64")):
        (folder / name).mkdir()
        (folder / name / "what").write_text(name, encoding="utf-8")
        tool.image(f"localhost/{name}", folder / name, arch)
    tool("manifest", "create", "localhost/both")
    for name in ("one", "arm"):
        tool("manifest", "add", "localhost/both", f"containers-storage:localhost/{name}")
    yield tool
    tool("rm", "--all")


@pytest.fixture
def host(container_tools: None, tmp_path: Path) -> Iterator[str]:
    with local_registry(tmp_path / "registry") as address:
        yield address
