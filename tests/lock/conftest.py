"""A builder of images and a registry, for the tests of what a lock says of a base image."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.containers import Buildah, local_registry


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
