"""The Dockerfile, built by buildah on a base image made from a real Debian 11."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.containers import Buildah, local_registry
from tests.execution.test_shell import PYTHON, SESSION

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def buildah(tmp_path: Path) -> Iterator[Buildah]:
    tool = Buildah(tmp_path / "store")
    yield tool
    tool("rm", "--all")


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    with local_registry(tmp_path / "registry") as host:
        yield host


@pytest.fixture
def base(buildah: Buildah, registry: str, debian_11_base: Path, tmp_path: Path) -> str:
    """The digest of a Debian 11 in the registry."""
    buildah.image("localhost/debian:11", debian_11_base)
    digest = buildah.pushed("localhost/debian:11", f"{registry}/debian:11")
    buildah("rmi", "localhost/debian:11")
    return digest


@pytest.fixture
def pinned(registry: str, base: str, buildah: Buildah, rigspec: Rigspec, tmp_path: Path) -> Path:
    """specs/legacy-cpu.toml behind that registry, its committed lock locked on, and compiled.

    After the lock was made the tag moves on to an image that is no system.
    """
    text = (ROOT / "specs" / "legacy-cpu.toml").read_text(encoding="utf-8")
    spec, lock, out = tmp_path / "rig.toml", tmp_path / "lock", tmp_path / "out"
    spec.write_text(f'{text}\n[mirrors]\nimages = "{registry}"\n', encoding="utf-8")
    shutil.copytree(ROOT / "lockfiles" / "legacy-cpu", lock)
    done = rigspec("lock", spec, "-o", lock, "--require-digests")
    assert done.returncode == 0, done.stderr

    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "nothing").touch()
    buildah.image("localhost/moved", tmp_path / "empty")
    assert buildah.pushed("localhost/moved", f"{registry}/debian:11") != base

    options = ("--lock", lock, "--target", "docker", "--locked", "-o", out)
    done = rigspec("compile", spec, *options, "--require-digests")
    assert done.returncode == 0, done.stderr
    return out / "docker"


def test_tensorflow_1_8_computes_in_the_image_that_was_locked(
    buildah: Buildah, registry: str, base: str, pinned: Path
) -> None:
    dockerfile = (pinned / "Dockerfile").read_text(encoding="utf-8")
    assert f"ARG BASE={registry}/debian:11@{base}\n" in dockerfile
    buildah(
        "build",
        *("--format", "docker", "--layers=false", "--network=host", "--tls-verify=false"),
        *("--tag", "localhost/legacy-cpu", "."),
        cwd=pinned,
    )

    container = buildah("from", "--pull-never", "localhost/legacy-cpu")
    said = buildah("run", container, "--", PYTHON, "-c", SESSION)
    assert said.split() == ["1.8.0", "10.0"]
    assert buildah("run", container, "--", "id", "-u") == "1000"
