"""A signed archive, and a rig that is locked from it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rigspec.lock import system_packages
from rigspec.lock.apt.distribution import Distribution, Suite
from tests.conftest import ROOT
from tests.lock.box import Box
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
def box(archive: SignedArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    distribution = Distribution(
        name="debian",
        release="12",
        origin="Test",
        suites=tuple(
            Suite("debian-security" if "security" in suite else "debian", suite) for suite in SUITES
        ),
        components=("main", "contrib"),
        architecture="amd64",
        keyring=str(archive.keys.keyring),
        keyring_package="test-keyring",
        keys=frozenset({archive.keys.own}),
        codenames=frozenset({"bookworm"}),
        snapshots_since="2005-06",
        promise="updates until 2028-06-30",
        driver_packages=("nvidia-driver",),
        cuda_packages=("nvidia-cuda-toolkit",),
    )
    monkeypatch.setattr(system_packages, "distribution_of", lambda *_: distribution)
    return Box(tmp_path, archive).asks("tool")
