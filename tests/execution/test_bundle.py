"""What `rigspec fetch` brings, installed where there is no network."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.execution.roots import SystemRoot
from tests.execution.test_shell import KERAS, PYTHON, SESSION

Rigspec = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.mark.e2e(minutes=1)
def test_bundle_tensorflow_1_8_installs_offline(
    debian_11: SystemRoot, rigspec: Rigspec, tmp_path: Path
) -> None:
    """The archive is carried over, unpacked, and named in the spec by the lines that were told."""
    lock = ROOT / "lockfiles" / "legacy-cpu"
    spec = tmp_path / "rig.toml"
    shutil.copyfile(ROOT / "specs" / "legacy-cpu.toml", spec)
    # The archive is that of this machine's own apt.
    environment = {name: value for name, value in os.environ.items() if "RIGSPEC_APT" not in name}
    fetched = rigspec("fetch", spec, "--lock", lock, "-o", tmp_path / "bundle.tar", env=environment)
    assert fetched.returncode == 0, fetched.stderr
    assert not (tmp_path / "bundle.tar.files").exists()

    with spec.open("a", encoding="utf-8") as file:
        file.write(f"\n{fetched.stdout}")
    compiled = rigspec(
        "compile", spec, "--lock", lock, "--locked", "--target", "shell", "-o", tmp_path / "out"
    )
    assert compiled.returncode == 0, compiled.stderr

    offline = replace(debian_11, network=False)
    (offline.path / "etc/apt/sources.list").unlink(missing_ok=True)
    shutil.copyfile(tmp_path / "bundle.tar", offline.path / "srv" / "bundle.tar")
    offline.run("tar", "--extract", "--directory", "/srv", "--file", "/srv/bundle.tar")
    manifest = "cd /srv/bundle && sha256sum --check --quiet --strict MANIFEST.sha256"
    offline.run("sh", "-c", manifest)
    shutil.copytree(tmp_path / "out" / "shell", offline.path / "root" / "rig")
    offline.run("/root/rig/install.sh")

    assert offline.run(PYTHON, "-c", SESSION).stdout.split() == ["1.8.0", "10.0"]
    assert offline.run(PYTHON, "-c", KERAS).stdout.split()[0] == "2.2.5"
