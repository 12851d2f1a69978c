"""The definition file and the dev container, built by the tools that they are for."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.containers import Buildah, local_registry
from tests.execution.conftest import KEPT
from tests.execution.roots import SystemRoot, make_root
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
def compiled(
    registry: str, buildah: Buildah, debian_11_base: Path, rigspec: Rigspec, tmp_path: Path
) -> Path:
    """specs/legacy-cpu.toml on a real Debian 11 of a registry, locked by its digest, compiled."""
    buildah.image("localhost/debian:11", debian_11_base)
    buildah.pushed("localhost/debian:11", f"{registry}/debian:11")
    text = (ROOT / "specs" / "legacy-cpu.toml").read_text(encoding="utf-8")
    spec, lock, out = tmp_path / "rig.toml", tmp_path / "lock", tmp_path / "out"
    spec.write_text(
        f'{text}\n[mirrors]\nimages = "{registry}"\n\n[system.env]\nRIG_TEST = "{{{{ x }}}} it\'s"\n',
        encoding="utf-8",
    )
    shutil.copytree(ROOT / "lockfiles" / "legacy-cpu", lock)
    done = rigspec("lock", spec, "-o", lock, "--require-digests")
    assert done.returncode == 0, done.stderr
    done = rigspec("compile", spec, "--lock", lock, "--target", "all", "--locked", "-o", out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.e2e
def test_apptainer_builds_the_definition_and_its_test_passes(compiled: Path) -> None:
    base = make_root("sid", KEPT, "--include=apptainer,ca-certificates")
    system = SystemRoot(base)
    context = base / "root" / "context"
    shutil.rmtree(context, ignore_errors=True)
    shutil.copytree(compiled / "apptainer", context)

    def apptainer(*arguments: str) -> str:
        return system.run(
            "sh", "-c", 'cd /root/context && exec apptainer "$@"', "-", *arguments
        ).stdout

    apptainer("build", "--no-https", "--sandbox", "rig", "rig.def")
    assert apptainer("exec", "rig", PYTHON, "-c", SESSION).split() == ["1.8.0", "10.0"]
