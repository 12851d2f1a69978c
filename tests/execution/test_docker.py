"""The Dockerfile, built by buildah on a base image made from a real Debian 11."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.execution.test_shell import PYTHON, SESSION


class Buildah:
    """buildah with a store of its own."""

    def __init__(self, store: Path) -> None:
        self._options = ["--root", str(store / "root"), "--runroot", str(store / "run")]
        self._options += ["--storage-driver", "vfs"]

    def __call__(self, command: str, *arguments: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["buildah", *self._options, command, *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=cwd,
            env={**os.environ, "BUILDAH_ISOLATION": "chroot"},
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
        return done.stdout.strip()


@pytest.fixture
def buildah(tmp_path: Path) -> Iterator[Buildah]:
    tool = Buildah(tmp_path / "store")
    yield tool
    tool("rm", "--all")


def test_tensorflow_1_8_computes_in_the_image(
    buildah: Buildah, debian_11_base: Path, legacy_cpu: Path
) -> None:
    base = buildah("from", "scratch")
    buildah("copy", base, str(debian_11_base), "/")
    buildah("commit", "--rm", base, "localhost/debian:11")
    buildah(
        "build",
        *("--format", "docker", "--layers=false", "--network=host"),
        *("--build-arg", "BASE=localhost/debian:11", "--tag", "localhost/legacy-cpu", "."),
        cwd=legacy_cpu / "docker",
    )

    container = buildah("from", "--pull-never", "localhost/legacy-cpu")
    said = buildah("run", container, "--", PYTHON, "-c", SESSION)
    assert said.split() == ["1.8.0", "10.0"]
    assert buildah("run", container, "--", "id", "-u") == "1000"
